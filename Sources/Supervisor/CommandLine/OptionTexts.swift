import BitTorrent

/// What was given for every option, as text, and where: the command line hides the environment, which hides the file.
struct OptionTexts {
    /// One text and its origin, so that an error names the place to look at.
    struct Entry: Equatable {
        /// `--workers`, `SWARMKEEPER_WORKERS` or `/home/me/.config/swarmkeeper/config:3: workers`.
        let subject: String
        /// A path is as `ArgumentText` encodes it, all else is repaired.
        let text: String

        func refusal(_ problem: String, because reason: String? = nil) -> UserError {
            UserError(.badOption, subject, problem, because: reason)
        }

        /// `"x" is not …`, with the text made safe to show.
        func refusal(isNot expected: String, because reason: String? = nil) -> UserError {
            refusal("\"\(TerminalText.excerpt(text, limit: 60))\" is not \(expected)", because: reason)
        }
    }

    private var entries: [OptionName: [Entry]] = [:]

    /// - Parameters:
    ///   - flags: from the command line, encoded by `ArgumentText`; a flag without value has the text `on`.
    ///   - file: what the configuration file says.
    init(flags: [OptionName: [String]], environment: [String: String], file: ConfigurationText) {
        for name in OptionName.allCases {
            let given = flags[name, default: []].map {
                Entry(subject: name.flag, text: name.isPath ? $0 : ArgumentText.repaired($0))
            }
            let others = [Self.fromEnvironment(name, environment), file.entries[name, default: []]].map {
                $0.map { name.isPath ? Entry(subject: $0.subject, text: ArgumentText.encoded($0.text.utf8)) : $0 }
            }
            entries[name] = ([given] + others).first { !$0.isEmpty }
        }
    }

    func all(_ name: OptionName) -> [Entry] { entries[name, default: []] }
    /// Of several, the last counts.
    func last(_ name: OptionName) -> Entry? { entries[name]?.last }

    /// An empty variable is none.
    private static func fromEnvironment(_ name: OptionName, _ environment: [String: String]) -> [Entry] {
        guard let text = environment[name.variable], !text.isEmpty else { return [] }
        switch name.kind {
        case .value, .flag: return [Entry(subject: name.variable, text: text)]
        case .list:
            if name == .workerWrap { return [Entry(subject: name.variable, text: text)] }
            return text.split { $0 == " " || $0 == "\t" || $0 == "\n" }
                .map { Entry(subject: name.variable, text: String($0)) }
        }
    }
}
