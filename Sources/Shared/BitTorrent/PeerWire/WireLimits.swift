/// The largest sizes that the peer wire (BEP 3) may claim; every length is held against one of these before a byte is kept.
package enum WireLimits {
    /// A handshake: 1 + 19 + 8 + 20 + 20 bytes (BEP 3).
    package static let handshakeByteCount = 68
    /// What the length prefix may say. libtorrent's limit for a packet; the longest legal message, a bitfield of
    /// 2²¹ pieces, is a quarter of it.
    package static let messageByteCount = 1 << 20
    /// The payload of a `piece` message. We never request more than a block, so more is never an answer (BEP 3, "request").
    package static let blockByteCount = Int(TorrentGeometry.blockByteCount)
    /// An `extended` message's payload (BEP 10), its own id included. The longest in use, a piece of metadata (BEP 9),
    /// is 16 KiB and a small dictionary; the rest is room.
    package static let extendedByteCount = 64 << 10

    /// A bitfield's payload: exactly this for a torrent of so many pieces (BEP 3).
    package static func bitfieldByteCount(pieceCount: Int) -> Int { (pieceCount + 7) / 8 }
}
