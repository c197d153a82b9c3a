/// One entry of a torrent's list of files: where its bytes lie in the torrent, and where they belong on the disk.
package struct TorrentFile: Hashable, Sendable {
    package enum Role: Hashable, Sendable {
        /// Written to `path`, empty files too.
        case payload
        /// Zeros that move the next file to a piece boundary (BEP 47): counted in offsets, never on the disk.
        case padding
        /// A symbolic link of BEP 47: has no bytes and is never created.
        case link
    }

    /// Below the output directory; starts with the torrent's name when there are several files.
    package var path: SafePath
    /// Bytes before this file in the torrent; set by `FileLayout`.
    package internal(set) var offset: UInt64 = 0
    package let length: UInt64
    package let role: Role

    package init(path: SafePath, length: UInt64, role: Role = .payload) {
        self.path = path
        self.length = length
        self.role = role
    }

    /// Offset behind the last byte.
    package var end: UInt64 { offset + length }
}
