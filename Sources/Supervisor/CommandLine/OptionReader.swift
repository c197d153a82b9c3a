import BitTorrent

/// Reads the texts of options as what they mean. Every refusal names the option and what it would take.
struct OptionReader {
    private let texts: OptionTexts

    init(_ texts: OptionTexts) { self.texts = texts }

    func all(_ name: OptionName) -> [OptionTexts.Entry] { texts.all(name) }
    func last(_ name: OptionName) -> OptionTexts.Entry? { texts.last(name) }

    /// A path may be anything but empty.
    func path(_ name: OptionName) throws(UserError) -> UserPath? { try text(name).map { UserPath(argument: $0) } }

    /// Text that may be anything but empty.
    func text(_ name: OptionName) throws(UserError) -> String? {
        guard let entry = texts.last(name) else { return nil }
        guard !entry.text.isEmpty, !entry.text.utf8.contains(0) else { throw entry.refusal("is empty") }
        return entry.text
    }

    func integer(_ name: OptionName, in range: ClosedRange<Int>) throws(UserError) -> Int? {
        guard let entry = texts.last(name) else { return nil }
        return try Self.integer(entry.text, in: range, of: entry)
    }

    /// Bytes: digits with K, M, G or T, powers of 1024.
    func byteCount(_ name: OptionName, atLeast least: Int) throws(UserError) -> Int? {
        try texts.last(name).map { (entry) throws(UserError) in try Self.byteCount(entry, atLeast: least) }
    }

    /// Bytes of an entry, or the refusal.
    static func byteCount(_ entry: OptionTexts.Entry, atLeast least: Int) throws(UserError) -> Int {
        let powers: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        let power = entry.text.uppercased().last.flatMap { powers[$0] }
        guard let value = Self.digits(power == nil ? entry.text[...] : entry.text.dropLast()) else {
            throw entry.refusal(isNot: "a size", because: "digits, or digits with K, M or G, such as 512M")
        }
        let (bytes, overflow) = value.multipliedReportingOverflow(by: 1 << (power ?? 0))
        guard !overflow, bytes <= Self.largestByteCount else {
            throw entry.refusal(
                "\"\(TerminalText.excerpt(entry.text, limit: 60))\" is too large", because: "at most 1024T")
        }
        guard bytes >= least else {
            throw entry.refusal(
                "\"\(TerminalText.excerpt(entry.text, limit: 60))\" is too small",
                because: "at least \(Amounts.bytes(UInt64(least)))")
        }
        return bytes
    }

    /// Seconds with up to three decimals.
    func duration(_ name: OptionName, in range: ClosedRange<Duration>) throws(UserError) -> Duration? {
        guard let entry = texts.last(name) else { return nil }
        let takes = "\(Self.seconds(range.lowerBound)) to \(Self.seconds(range.upperBound)) seconds"
        let parts = entry.text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = Self.digits(parts[0]), let thousandths = Self.thousandths(parts.dropFirst().first) else {
            throw entry.refusal(isNot: "a number of seconds", because: takes)
        }
        // So many seconds are certainly beyond every range here.
        let duration = Duration.milliseconds(min(whole, 1 << 40) * 1000 + thousandths)
        guard range.contains(duration) else {
            throw entry.refusal("\"\(TerminalText.excerpt(entry.text, limit: 60))\" is out of range", because: takes)
        }
        return duration
    }

    /// One of the words of an enumeration.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: OptionName, of: Choice.Type = Choice.self
    ) throws(UserError) -> Choice? where Choice.RawValue == String {
        guard let entry = texts.last(name) else { return nil }
        guard let choice = Choice(rawValue: entry.text) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw entry.refusal(isNot: "one of \(words)")
        }
        return choice
    }

    /// Whether a flag was given; the environment and the file may also switch it off.
    func isOn(_ name: OptionName) throws(UserError) -> Bool {
        guard let entry = texts.last(name) else { return false }
        switch entry.text.lowercased() {
        case "on", "yes", "true", "1": return true
        case "off", "no", "false", "0": return false
        default: throw entry.refusal(isNot: "a switch", because: "on or off")
        }
    }

    /// A whole number of an entry, or the refusal.
    static func integer(
        _ text: some StringProtocol, in range: ClosedRange<Int>, of entry: OptionTexts.Entry
    ) throws(UserError) -> Int {
        let takes = "\(range.lowerBound) to \(range.upperBound)"
        let isNegative = text.hasPrefix("-")
        guard let value = digits(isNegative ? text.dropFirst() : text[...]) else {
            throw entry.refusal(isNot: "a whole number", because: takes)
        }
        guard !isNegative, range.contains(value) else {
            throw entry.refusal("\"\(TerminalText.excerpt(text, limit: 60))\" is out of range", because: takes)
        }
        return value
    }

    /// An exabyte would be no memory, but a slip.
    private static let largestByteCount = 1 << 50

    /// nil unless there are digits and nothing else; more than fits is as much as fits.
    private static func digits(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
        return Int(text) ?? .max
    }

    /// `0.1`, `600`; exact to a tenth.
    private static func seconds(_ duration: Duration) -> String {
        let tenths = duration.wholeNanoseconds / 100_000_000
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    private static func thousandths(_ decimals: Substring?) -> Int? {
        guard let decimals else { return 0 }
        guard decimals.utf8.count <= 3, let value = digits(decimals) else { return nil }
        return (0..<3 - decimals.utf8.count).reduce(value) { value, _ in value * 10 }
    }
}
