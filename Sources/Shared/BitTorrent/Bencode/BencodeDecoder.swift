/// Proves that bytes hold one bencoded value (BEP 3) and hands back a view of it. Strict about integers, lengths and
/// nesting; tolerant of unsorted keys, which real files have. Copies nothing and allocates nothing by a claimed length.
package struct BencodeDecoder: Sendable {
    package struct Limits: Hashable, Sendable {
        /// Bytes of the whole input.
        package var byteCount: Int
        /// Containers inside one another.
        package var depth: Int
        /// Values and keys together.
        package var itemCount: Int

        package init(byteCount: Int, depth: Int, itemCount: Int) {
            self.byteCount = byteCount
            self.depth = depth
            self.itemCount = itemCount
        }

        /// For .torrent files: depth and items as libtorrent's; 64 MiB holds 2,097,152 hashes and the names besides.
        package static let metainfo = Limits(byteCount: 64 << 20, depth: 100, itemCount: 3_000_000)
        /// For what peers and trackers send, which is at most a mebibyte.
        package static let message = Limits(byteCount: 1 << 20, depth: 32, itemCount: 100_000)
    }

    package enum DuplicateKeys: Hashable, Sendable {
        /// Left to the reader of the view, which finds the first one.
        case kept
        /// Refused in every dictionary of the input, sorted or not.
        case refused
    }

    package let limits: Limits
    package let duplicateKeys: DuplicateKeys

    package init(limits: Limits, duplicateKeys: DuplicateKeys = .kept) {
        self.limits = limits
        self.duplicateKeys = duplicateKeys
    }

    /// - Returns: the value at the start of `bytes` and what follows it; the caller knows whether anything may follow.
    package func decode(
        _ bytes: ArraySlice<UInt8>
    ) throws(BencodeError) -> (value: BencodeView, rest: ArraySlice<UInt8>) {
        guard bytes.count <= limits.byteCount else {
            throw BencodeError(.tooLarge(limit: limits.byteCount), at: limits.byteCount)
        }
        var scan = BencodeScan(limits: limits, duplicateKeys: duplicateKeys)
        let end = bytes.startIndex + (try scan.endOfValue(bytes.span))
        return (BencodeView(validated: bytes[bytes.startIndex..<end]), bytes[end...])
    }

    package func decode(_ bytes: [UInt8]) throws(BencodeError) -> (value: BencodeView, rest: ArraySlice<UInt8>) {
        try decode(bytes[...])
    }
}
