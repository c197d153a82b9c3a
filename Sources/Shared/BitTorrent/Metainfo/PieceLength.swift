/// How long the pieces of a new torrent are: short enough that a bad one costs little, long enough that their hashes and
/// the messages about them stay few.
package enum PieceLength {
    /// A block, and what Transmission and libtorrent accept at least.
    package static let shortest: UInt32 = TorrentGeometry.blockByteCount
    package static let longest: UInt32 = TorrentGeometry.maximumPieceByteCount

    /// Most pieces that the default makes: 1,000 to 2,000 are what most creators aim at, and their hashes take 40 KB.
    static let usualPieceCount: UInt64 = 2048
    /// Longest default: longer pieces keep peers waiting for something to share, and cost memory everywhere.
    static let longestDefault: UInt32 = 16 << 20
    /// A larger torrent has pieces of 256 KiB at least, as mktorrent makes them unless told otherwise.
    static let smallByteCount: UInt64 = 256 << 20
    static let shortestUnlessSmall: UInt32 = 256 << 10

    /// The default for a torrent of so many bytes: a power of two that makes 1,024 to 2,048 pieces where it can.
    package static func suitable(for totalByteCount: UInt64) -> UInt32 {
        var length = totalByteCount > smallByteCount ? shortestUnlessSmall : shortest
        while length < longestDefault, pieceCount(totalByteCount, length) > usualPieceCount { length *= 2 }
        // Beyond 32 TiB there would be more pieces than clients accept.
        while length < longest, pieceCount(totalByteCount, length) > UInt64(TorrentGeometry.maximumPieceCount) {
            length *= 2
        }
        return length
    }

    /// Other lengths are legal, but unknown to many clients.
    package static func isUsual(_ byteCount: Int) -> Bool {
        byteCount >= shortest && byteCount <= longest && byteCount & (byteCount - 1) == 0
    }

    private static func pieceCount(_ totalByteCount: UInt64, _ length: UInt32) -> UInt64 {
        totalByteCount / UInt64(length) + (totalByteCount % UInt64(length) == 0 ? 0 : 1)
    }
}
