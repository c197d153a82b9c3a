/// Why bytes are no bencoded value (BEP 3, "bencoding"), and at which byte.
package struct BencodeError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        case tooLarge(limit: Int)
        case unexpectedEnd
        case unexpectedByte(UInt8)
        case nestedTooDeep(limit: Int)
        case tooManyItems(limit: Int)
        /// `ie`, `i-e`, `i-0e`, `i01e`, `i1x`.
        case malformedInteger
        /// Beyond 64 signed bits.
        case integerOutOfRange
        /// `01:a`, `1x`, `-1:`.
        case malformedStringLength
        /// The claimed length is longer than what follows; nothing was allocated for it.
        case stringPastEnd
        case keyIsNoString
        /// The key as text for people; only where the decoder was told to refuse duplicates.
        case duplicateKey(String)
    }

    package let reason: Reason
    /// Bytes from the start of what was decoded.
    package let offset: Int

    package init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String {
        switch reason {
        case .tooLarge(let limit): "larger than \(limit) bytes"
        case .unexpectedEnd: "ends too early, at byte \(offset)"
        case .unexpectedByte(let byte): "byte \(offset) (value \(byte)) starts no bencoded value"
        case .nestedTooDeep(let limit): "nested too deep at byte \(offset), more than \(limit) levels"
        case .tooManyItems(let limit): "too many items, more than \(limit)"
        case .malformedInteger: "malformed integer at byte \(offset)"
        case .integerOutOfRange: "integer at byte \(offset) does not fit in 64 bits"
        case .malformedStringLength: "malformed string length at byte \(offset)"
        case .stringPastEnd: "string at byte \(offset) is longer than what follows"
        case .keyIsNoString: "dictionary key at byte \(offset) is no string"
        case .duplicateKey(let key): "key \"\(key)\" appears twice, again at byte \(offset)"
        }
    }
}
