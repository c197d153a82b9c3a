import BitTorrent
import PoolProtocol

/// The words that options take where a type of another module has no words.
enum AllocationWord: String, CaseIterable {
    case auto, none, falloc

    var allocation: FileAllocation {
        switch self {
        case .auto: .whereItPays
        case .none: .never
        case .falloc: .atStart
        }
    }
}
enum SwitchWord: String, CaseIterable { case on, off }
enum SyncWord: String, CaseIterable {
    case batch, piece, none

    var mode: SyncMode {
        switch self {
        case .batch: .batch
        case .piece: .piece
        case .none: .none
        }
    }
}

/// Options with a form of their own.
extension OptionReader {
    func isPinned() throws(UserError) -> Bool? { try choice(.pin, of: SwitchWord.self).map { $0 == .on } }

    /// The default is what BitTorrent clients have used for twenty years, as aria2 has it.
    func listenPorts() throws(UserError) -> ClosedRange<UInt16>? {
        guard let entry = last(.listenPort) else { return 6881...6999 }
        if entry.text == "off" { return nil }
        let ends = entry.text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        if ends.count == 1 {
            let port = UInt16(try Self.integer(ends[0], in: 0...65535, of: entry))
            return port...port
        }
        let first = try Self.integer(ends[0], in: 1...65535, of: entry)
        let last = try Self.integer(ends[1], in: 1...65535, of: entry)
        guard first <= last else { throw entry.refusal("the range ends before it begins") }
        return UInt16(first)...UInt16(last)
    }

    func bindAddress() throws(UserError) -> String? {
        guard let entry = last(.bind) else { return nil }
        guard PeerAddress(numericHost: entry.text, port: 0) != nil else {
            throw entry.refusal(isNot: "a numeric address", because: "such as 192.0.2.1 or 2001:db8::1")
        }
        return entry.text
    }

    func peers() throws(UserError) -> [HostAndPort] {
        var peers: [HostAndPort] = []
        for entry in all(.peer) {
            guard let peer = HostAndPort(entry.text) else {
                throw entry.refusal(isNot: "HOST:PORT", because: "such as peer.example:6881 or [2001:db8::1]:6881")
            }
            peers.append(peer)
        }
        return peers
    }

    /// The text is not repeated: it may hold a password.
    func trackers() throws(UserError) -> [TrackerURL] {
        var trackers: [TrackerURL] = []
        for entry in all(.tracker) {
            do throws(TrackerURLError) {
                trackers.append(try TrackerURL(entry.text))
            } catch {
                throw entry.refusal(error.description)
            }
        }
        return trackers
    }

    func output() throws(UserError) -> OutputOptions {
        OutputOptions(
            progress: try choice(.progress) ?? .auto,
            interval: try duration(.interval, in: .milliseconds(100) ... .seconds(86400)),
            isQuiet: try isOn(.quiet), logLevel: try choice(.logLevel), logFile: try path(.log),
            eventsFile: try path(.events))
    }

    func diagnosis(environment: [String: String]) throws(UserError) -> DiagnosisOptions {
        DiagnosisOptions(
            heartbeat: .milliseconds(try integer(.heartbeat, in: 10...60_000) ?? 1000),
            slowLimit: try integer(.slowLimit, in: 1...60_000).map { .milliseconds($0) } ?? SlowHandler.usualLimit,
            wrappers: try wrappers(),
            attacks: try attacks(isUnlocked: environment[Attack.key] == "1"))
    }

    /// `ROLE:ATTACK`. Nobody shall come upon it by accident.
    private func attacks(isUnlocked: Bool) throws(UserError) -> [Role: Attack] {
        var attacks: [Role: Attack] = [:]
        for entry in all(.selftest) {
            guard isUnlocked else { throw entry.refusal("is for tests only", because: "\(Attack.key)=1 unlocks it") }
            let words = entry.text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2, let attack = Attack(rawValue: String(words[1])),
                let role = attack.roles.first(where: { $0.name == words[0] })
            else {
                let names = Attack.allCases.map(\.rawValue).joined(separator: ", ")
                throw entry.refusal(isNot: "ROLE:ATTACK", because: "attacks are \(names); not every role knows all")
            }
            attacks[role] = attack
        }
        return attacks
    }

    /// `ROLE=COMMAND`, the command in words as a shell splits them.
    private func wrappers() throws(UserError) -> [Role: [String]] {
        var wrappers: [Role: [String]] = [:]
        for entry in all(.workerWrap) {
            let roles = Role.allCases.filter { $0 != .supervisor }
            let word = entry.text.prefix { $0 != "=" }
            guard let role = roles.first(where: { $0.name == word }), word.endIndex < entry.text.endIndex else {
                throw entry.refusal(isNot: "ROLE=COMMAND", because: "roles are peer, hash and writer")
            }
            wrappers[role] = try Self.command(entry.text[word.endIndex...].dropFirst(), of: entry)
        }
        return wrappers
    }

    private static func command(
        _ text: Substring, of entry: OptionTexts.Entry
    ) throws(UserError) -> [String] {
        let words: [String]
        do throws(WordSplitter.Refusal) {
            words = try WordSplitter.words(text)
        } catch {
            switch error {
            case .unclosedQuote: throw entry.refusal("a quote is not closed")
            case .nothingAfterBackslash: throw entry.refusal("ends with a backslash")
            }
        }
        guard words.first?.isEmpty == false else { throw entry.refusal("names no command") }
        return words
    }
}
