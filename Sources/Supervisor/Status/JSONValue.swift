/// A value that scripts read, and its text: RFC 8259 on one line, members in the order in which they were given.
enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Rounded down to three decimals; what JSON cannot say (not finite, or beyond 2⁵³ thousandths) is null.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    struct Member: Equatable, Sendable {
        let key: String
        let value: JSONValue

        init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// Counts beyond what a signed number holds do not occur; they would show as its largest.
    static func count(_ value: some BinaryInteger) -> JSONValue { .integer(Int64(clamping: value)) }
    /// nil becomes null.
    static func optional(_ value: (some BinaryInteger)?) -> JSONValue { value.map { count($0) } ?? .null }
    static func optional(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }

    var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .integer(let value): bytes += String(value).utf8
        case .number(let value): bytes += Self.decimal(value).utf8
        case .string(let value): Self.append(value, to: &bytes)
        case .array(let values):
            Self.append(values, between: ("[", "]"), to: &bytes) { value, bytes in value.append(to: &bytes) }
        case .object(let members):
            Self.append(members, between: ("{", "}"), to: &bytes) { member, bytes in
                Self.append(member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.append(to: &bytes)
            }
        }
    }

    private static func append<Element>(
        _ elements: [Element], between brackets: (Unicode.Scalar, Unicode.Scalar), to bytes: inout [UInt8],
        _ appendElement: (Element, inout [UInt8]) -> Void
    ) {
        bytes.append(UInt8(ascii: brackets.0))
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            appendElement(element, &bytes)
        }
        bytes.append(UInt8(ascii: brackets.1))
    }

    private static func decimal(_ value: Double) -> String {
        guard value.isFinite, value.magnitude < 9e12 else { return "null" }
        let thousandths = Int64(value * 1000)
        let (whole, rest) = thousandths.magnitude.quotientAndRemainder(dividingBy: 1000)
        let digits = String(rest)
        return (thousandths < 0 ? "-" : "") + "\(whole)." + String(repeating: "0", count: 3 - digits.count) + digits
    }

    /// Escapes what JSON asks for, and all that is invisible, so that a line may be shown on a terminal as it is.
    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": bytes += #"\""#.utf8
            case "\\": bytes += #"\\"#.utf8
            case "\n": bytes += #"\n"#.utf8
            case "\r": bytes += #"\r"#.utf8
            case "\t": bytes += #"\t"#.utf8
            case " "..."~": bytes.append(UInt8(ascii: scalar))
            default:
                if isInvisible(scalar) {
                    for unit in UTF16.encode(scalar)! { appendEscape(unit, to: &bytes) }
                } else {
                    bytes += UTF8.encode(scalar)!
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    private static func appendEscape(_ unit: UInt16, to bytes: inout [UInt8]) {
        let digits = String(unit, radix: 16)
        bytes += "\\u".utf8
        bytes += String(repeating: "0", count: 4 - digits.count).utf8
        bytes += digits.utf8
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral {
    init(stringLiteral value: String) { self = .string(value) }
    init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(elements.map { Member($0, $1) }) }
}
