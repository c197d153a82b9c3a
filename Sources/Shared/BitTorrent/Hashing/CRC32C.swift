/// CRC-32C (Castagnoli, reflected, as in RFC 3720), a byte at a time: for short inputs, where a table is quick enough.
/// Finds accidents, hides nothing.
package struct CRC32C {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
    }

    private var value = UInt32.max

    package init() {}

    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        Self.table.withUnsafeBufferPointer { table in
            for byte in bytes { value = value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] }
        }
    }

    package var checksum: UInt32 { ~value }

    package static func of(_ bytes: [UInt8]) -> UInt32 {
        var sum = CRC32C()
        bytes.withUnsafeBytes { sum.add($0) }
        return sum.checksum
    }
}
