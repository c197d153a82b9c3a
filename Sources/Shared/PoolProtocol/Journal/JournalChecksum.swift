/// CRC-32C (Castagnoli, reflected, as in RFC 3720): finds every torn tail and every flipped byte of a record. Protects
/// against accidents only; whoever may write the journal may write the payload too.
enum JournalChecksum {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
    }

    static func of(_ parts: UnsafeRawBufferPointer...) -> UInt32 {
        var value = UInt32.max
        table.withUnsafeBufferPointer { table in
            for part in parts {
                for byte in part { value = value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] }
            }
        }
        return ~value
    }

    static func of(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { of($0) } }
}
