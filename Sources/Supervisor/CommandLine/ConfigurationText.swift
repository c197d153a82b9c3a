import BitTorrent

/// What a configuration file says: lines of `long-name = value`; `#` begins a comment at the start of a line.
struct ConfigurationText {
    private(set) var entries: [OptionName: [OptionTexts.Entry]] = [:]
    /// Lines that mean nothing, each with its file and number.
    private(set) var warnings: [String] = []

    /// Says nothing.
    init() {}

    /// - Parameter path: names the file in messages.
    init(_ text: String, path: String) {
        let path = TerminalText.escaped(path)
        // Unicode takes CR LF for one character, so lines are split by scalars.
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, scalars) in lines.enumerated() {
            let line = Self.trimmed(Substring(scalars))
            if line.isEmpty || line.first == "#" { continue }
            let place = "\(path):\(index + 1)"
            let key = Self.trimmed(line.prefix { $0 != "=" })
            guard line.contains("="), let name = OptionName(rawValue: String(key)) else {
                let problem = line.contains("=") ? "unknown option" : "no \"name = value\" in"
                warnings.append("\(place): \(problem) \"\(TerminalText.excerpt(key, limit: 60))\"")
                continue
            }
            let value = Self.trimmed(line.drop { $0 != "=" }.dropFirst())
            entries[name, default: []].append(.init(subject: "\(place): \(name.rawValue)", text: String(value)))
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isSpace: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return Substring(scalars[first...last])
    }
}
