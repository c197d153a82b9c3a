/// The name of the hidden file that keeps bytes of unselected files, which share a piece with selected ones.
package enum PartsFile {
    private static let prefix = ".swarmkeeper-"
    private static let suffix = ".parts"

    /// In the output directory; several torrents may use one directory.
    package static func name(of infoHash: InfoHash) -> String { prefix + infoHash.description + suffix }

    /// Whether a name from a torrent could be a parts file's, on file systems that fold case too.
    package static func isReserved(_ name: ArraySlice<UInt8>) -> Bool {
        guard name.first == UInt8(ascii: "."), name.count >= prefix.utf8.count + suffix.utf8.count else { return false }
        let lowercased = name.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
        return lowercased.starts(with: prefix.utf8) && lowercased.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }
}
