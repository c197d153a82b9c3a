/// The letters and the two leaf forms of bencoding (BEP 3).
enum Bencode {
    static let integer = UInt8(ascii: "i")
    static let list = UInt8(ascii: "l")
    static let dictionary = UInt8(ascii: "d")
    static let end = UInt8(ascii: "e")
    static let colon = UInt8(ascii: ":")
    static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")

    /// - Parameter start: offset of the first digit of the length.
    /// - Returns: where the string's bytes lie; always inside `bytes`.
    static func stringBody(_ bytes: Span<UInt8>, at start: Int) throws(BencodeError) -> Range<Int> {
        var position = start
        var length = 0
        while position < bytes.count, digits.contains(bytes[position]) {
            // Stops counting, but not reading, once the claim is beyond all that could follow.
            if length <= bytes.count { length = length * 10 + Int(bytes[position] - digits.lowerBound) }
            position += 1
        }
        guard position < bytes.count else { throw BencodeError(.unexpectedEnd, at: position) }
        let hasLeadingZero = position - start > 1 && bytes[start] == digits.lowerBound
        guard bytes[position] == colon, position > start, !hasLeadingZero else {
            throw BencodeError(.malformedStringLength, at: start)
        }
        guard length <= bytes.count - position - 1 else { throw BencodeError(.stringPastEnd, at: start) }
        return position + 1..<position + 1 + length
    }

    /// - Parameter start: offset of the `i`.
    static func integer(_ bytes: Span<UInt8>, at start: Int) throws(BencodeError) -> (value: Int64, end: Int) {
        var position = start + 1
        let isNegative = position < bytes.count && bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let firstDigit = position
        var value: Int64 = 0
        var overflows = false
        while position < bytes.count, digits.contains(bytes[position]) {
            let digit = Int64(bytes[position] - digits.lowerBound)
            let (scaled, first) = value.multipliedReportingOverflow(by: 10)
            let (sum, second) =
                isNegative ? scaled.subtractingReportingOverflow(digit) : scaled.addingReportingOverflow(digit)
            overflows = overflows || first || second
            value = sum
            position += 1
        }
        guard position < bytes.count else { throw BencodeError(.unexpectedEnd, at: position) }
        let digitCount = position - firstDigit
        guard bytes[position] == end, digitCount > 0, bytes[firstDigit] != digits.lowerBound || digitCount == 1,
            !(isNegative && value == 0 && !overflows)
        else { throw BencodeError(.malformedInteger, at: start) }
        guard !overflows else { throw BencodeError(.integerOutOfRange, at: start) }
        return (value, position + 1)
    }
}
