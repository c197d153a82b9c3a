import BitTorrent

/// Bytes of a file that were found in the page cache, or read into it, a moment ago: for so long nobody looks again.
struct WarmRange {
    /// Bytes that are looked for, or read, at a time: 16 blocks, so that looking costs next to nothing per block.
    static let byteCount: UInt64 = 256 << 10
    /// Less than the page cache needs to drop what was just used, unless memory is very short.
    static let life: Duration = .seconds(2)

    private let torrent: UInt16
    private let file: Int
    private let range: Range<UInt64>
    private let until: MonotonicInstant

    init(torrent: UInt16, file: Int, range: Range<UInt64>, now: MonotonicInstant) {
        self.torrent = torrent
        self.file = file
        self.range = range
        until = now + Self.life
    }

    func covers(torrent: UInt16, file: Int, _ bytes: Range<UInt64>, now: MonotonicInstant) -> Bool {
        torrent == self.torrent && file == self.file && range.lowerBound <= bytes.lowerBound
            && bytes.upperBound <= range.upperBound && now < until
    }

    /// The range to look for when these bytes are wanted: them, and what will be asked for next.
    /// - Parameter fileByteCount: nil when unknown.
    static func around(_ bytes: Range<UInt64>, fileByteCount: UInt64?) -> Range<UInt64> {
        let end = max(bytes.upperBound, bytes.lowerBound + byteCount)
        return bytes.lowerBound..<max(bytes.upperBound, min(end, fileByteCount ?? bytes.upperBound))
    }
}
