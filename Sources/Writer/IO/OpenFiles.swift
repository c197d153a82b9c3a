import CLinux
import Glibc
import PoolRuntime

/// A file that the disk thread may write.
final class OpenFile {
    let number: Int
    let path: String
    let descriptor: OwnedDescriptor
    unowned let torrent: TorrentFiles
    /// Written since its last sync.
    var isDirty = false
    fileprivate var lastUse: UInt64 = 0

    init(number: Int, path: String, descriptor: OwnedDescriptor, torrent: TorrentFiles) {
        self.number = number
        self.path = path
        self.descriptor = descriptor
        self.torrent = torrent
    }
}

/// Owns the files of all torrents that are open for writing, and which of them are closed to make room: those that
/// were not used for the longest time. Disk thread only.
final class OpenFiles {
    private struct Key: Hashable {
        let torrent: UInt16
        let file: Int
    }

    /// Descriptors for payload: half of the usual soft limit of 1024 for a process, fewer where fewer are allowed.
    static var usualCapacity: Int { min(512, max(8, DescriptorLimit.current - DescriptorLimit.reserve)) }

    /// Shrinks when the system refuses another descriptor.
    private var capacity: Int
    private var files: [Key: OpenFile] = [:]
    private var uses: UInt64 = 0

    init(capacity: Int = OpenFiles.usualCapacity) { self.capacity = capacity }

    var count: Int { files.count }

    func find(_ number: Int, of torrent: TorrentFiles) -> OpenFile? {
        guard let file = files[Key(torrent: torrent.torrent, file: number)] else { return nil }
        uses += 1
        file.lastUse = uses
        return file
    }

    /// Closes the oldest files when another would be one too many: an eighth, since to find the oldest is to look at all.
    /// They are synced first: the kernel reports a failed write-back to descriptors that are open at that time.
    func makeRoom() {
        guard files.count >= capacity else { return }
        let oldest = files.sorted { $0.value.lastUse < $1.value.lastUse }
        for (key, file) in oldest.prefix(files.count - capacity + max(1, capacity / 8)) {
            file.torrent.syncBeforeClosing(file)
            files[key] = nil
        }
    }

    /// The process may have no more descriptors: half of the files are closed, and as few are kept from now on.
    /// - Returns: false when there is nothing to close.
    func shrink() -> Bool {
        guard !files.isEmpty else { return false }
        capacity = max(1, files.count / 2)
        makeRoom()
        return true
    }

    func add(_ file: OpenFile) {
        uses += 1
        file.lastUse = uses
        files[Key(torrent: file.torrent.torrent, file: file.number)] = file
    }
}
