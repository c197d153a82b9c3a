/// Carries the words of a command line, which are bytes, through code that knows text only, and loses none: a byte that
/// is no UTF-8 becomes a scalar of its own, U+10FF80 for 0x80 to U+10FFFF for 0xFF. So do the bytes of these scalars
/// themselves, which have no meaning that anybody agreed on, so that every text stands for one word only.
enum ArgumentText {
    /// The end of the last private-use plane, and its bytes: those of value 0x80 and more, since others are always UTF-8.
    private static let base: UInt32 = 0x10FF00
    private static let scalars = base + 0x80...base + 0xFF

    static func encoded(_ bytes: some Collection<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: isStandIn) {
            return text
        }
        var text = String.UnicodeScalarView()
        var parser = UTF8.ForwardParser()
        var input = bytes.makeIterator()
        var rest = bytes[...]
        while true {
            let byteCount: Int
            switch parser.parseScalar(from: &input) {
            case .emptyInput: return String(text)
            case .valid(let encoded):
                let scalar = UTF8.decode(encoded)
                byteCount = encoded.count
                if !isStandIn(scalar) {
                    text.append(scalar)
                    rest = rest.dropFirst(byteCount)
                    continue
                }
            case .error(let length): byteCount = length
            }
            for byte in rest.prefix(byteCount) { text.append(Unicode.Scalar(base + UInt32(byte))!) }
            rest = rest.dropFirst(byteCount)
        }
    }

    /// The word that was encoded.
    static func bytes(of text: some StringProtocol) -> [UInt8] {
        guard text.unicodeScalars.contains(where: isStandIn) else { return Array(text.utf8) }
        return text.unicodeScalars.flatMap { scalar in
            isStandIn(scalar) ? [UInt8(scalar.value - base)] : Array(UTF8.encode(scalar)!)
        }
    }

    /// Text to show, with U+FFFD for what is none.
    static func repaired(_ text: some StringProtocol) -> String { String(decoding: bytes(of: text), as: UTF8.self) }

    private static func isStandIn(_ scalar: Unicode.Scalar) -> Bool { scalars.contains(scalar.value) }
}
