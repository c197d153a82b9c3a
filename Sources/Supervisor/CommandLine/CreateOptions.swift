import BitTorrent

/// What the user asked for in a new torrent, checked.
struct CreateOptions: Equatable {
    enum Target: Equatable {
        case file(UserPath)
        case standardOutput
        /// A file in the current directory that is called after the torrent.
        case named
    }

    enum Date: Equatable {
        case now
        /// Seconds since 1970.
        case fixed(Int64)
        case none
    }

    /// A file or a directory.
    var path: UserPath
    var trackerTiers: [[TrackerURL]]
    var webSeeds: [WebSeedURL]
    /// A power of two; nil: by the length of the content.
    var pieceByteCount: UInt32?
    var isPrivate: Bool
    var comment: String?
    var source: String?
    var date: Date
    var target: Target
    /// A file that is there may be replaced.
    var replaces: Bool
    var hashing: HashingOptions
}

extension CommandLineParser {
    func create(_ command: CreateCommand) throws(UserError) -> CreateOptions {
        guard !command.path.isEmpty else { throw UserError(.badOption, "", "the path is empty") }
        let reader = reader(command.flags)
        let options = CreateOptions(
            path: UserPath(argument: command.path), trackerTiers: try Self.tiers(command.torrent.tracker),
            webSeeds: try Self.webSeeds(command.torrent.webSeed),
            pieceByteCount: try Self.pieceByteCount(command.torrent.pieceLength),
            isPrivate: command.torrent.isPrivate, comment: try Self.text(command.torrent.comment, "--comment"),
            source: try Self.text(command.torrent.source, "--source"), date: try date(command.torrent),
            target: try Self.target(command.result.output), replaces: command.result.force,
            hashing: try hashing(reader, isJSON: command.result.json))
        let hashing = options.hashing
        if options.target == .standardOutput, hashing.isJSON || hashing.output.progress == .json {
            throw UserError(.badOption, "--output", "stdout is for the torrent or for JSON, not for both")
        }
        return options
    }

    /// The text is not repeated: it may hold a password.
    private static func tiers(_ texts: [String]) throws(UserError) -> [[TrackerURL]] {
        var tiers: [[TrackerURL]] = []
        for text in texts {
            var tier: [TrackerURL] = []
            for url in text.split(separator: ",", omittingEmptySubsequences: false) {
                do throws(TrackerURLError) {
                    tier.append(try TrackerURL(ArgumentText.repaired(url)))
                } catch {
                    throw UserError(.badOption, "--tracker", error.description)
                }
            }
            tiers.append(tier)
        }
        guard tiers.joined().count <= AnnounceTiers.mostTrackers else {
            throw UserError(.badOption, "--tracker", "more than \(AnnounceTiers.mostTrackers) trackers")
        }
        return tiers
    }

    private static func webSeeds(_ texts: [String]) throws(UserError) -> [WebSeedURL] {
        var seeds: [WebSeedURL] = []
        for text in texts {
            guard let seed = WebSeedURL(ArgumentText.repaired(text)) else {
                throw UserError(.badOption, "--web-seed", "not an http or https URL")
            }
            seeds.append(seed)
        }
        guard seeds.count <= AnnounceTiers.mostTrackers else {
            throw UserError(.badOption, "--web-seed", "more than \(AnnounceTiers.mostTrackers) web seeds")
        }
        return seeds
    }

    private static func pieceByteCount(_ text: String?) throws(UserError) -> UInt32? {
        guard let text else { return nil }
        let entry = OptionTexts.Entry(subject: "--piece-length", text: ArgumentText.repaired(text))
        let byteCount = try OptionReader.byteCount(entry, atLeast: Int(PieceLength.shortest))
        guard PieceLength.isUsual(byteCount) else {
            throw entry.refusal(isNot: "a power of two from 16K to 512M", because: "such as 256K or 4M")
        }
        return UInt32(byteCount)
    }

    private static func text(_ text: String?, _ subject: String) throws(UserError) -> String? {
        guard let text else { return nil }
        guard String(validating: ArgumentText.bytes(of: text), as: UTF8.self) != nil else {
            throw UserError(.badOption, subject, "is no UTF-8")
        }
        guard text.utf8.count <= NewTorrent.longestText else {
            throw UserError(.badOption, subject, "is longer than \(NewTorrent.longestText) bytes")
        }
        return text.isEmpty ? nil : text
    }

    /// `SOURCE_DATE_EPOCH` as reproducible-builds.org specifies it.
    private func date(_ arguments: NewTorrentArguments) throws(UserError) -> CreateOptions.Date {
        if arguments.noDate { return .none }
        let name = "SOURCE_DATE_EPOCH"
        guard let text = surroundings.environment[name], !text.isEmpty else { return .now }
        let entry = OptionTexts.Entry(subject: name, text: text)
        return .fixed(Int64(try OptionReader.integer(text, in: 0...253_402_300_799, of: entry)))
    }

    private static func target(_ text: String?) throws(UserError) -> CreateOptions.Target {
        guard let text else { return .named }
        guard !text.isEmpty else { throw UserError(.badOption, "--output", "is empty") }
        return text == "-" ? .standardOutput : .file(UserPath(argument: text))
    }
}
