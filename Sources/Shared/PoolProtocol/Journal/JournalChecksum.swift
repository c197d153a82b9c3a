internal import BitTorrent

/// CRC-32C of a record of the journal: finds every torn tail and every flipped byte. Protects against accidents only;
/// whoever may write the journal may write the payload too.
enum JournalChecksum {
    static func of(_ parts: UnsafeRawBufferPointer...) -> UInt32 {
        var sum = CRC32C()
        for part in parts { sum.add(part) }
        return sum.checksum
    }

    static func of(_ bytes: [UInt8]) -> UInt32 { CRC32C.of(bytes) }
}
