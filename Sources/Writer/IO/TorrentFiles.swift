import CLinux
import Glibc
import PoolProtocol
import PoolRuntime
import SystemPackage

/// Owns one torrent's files on the disk: makes, opens, writes and syncs them. Disk thread only; every call may block.
final class TorrentFiles {
    let torrent: UInt16
    let map: FileMap
    private let tree: DirectoryTree
    private let openFiles: OpenFiles
    private let allocation: FileAllocation
    /// False when the user left syncing to the kernel.
    private let forcesToDisk: Bool
    private let counters: DiskCounters
    /// For `syncfs`, which needs more than O_PATH, and which reports failures since this was opened.
    private var root: OwnedDescriptor?
    private var dirtyFiles: [Int: OpenFile] = [:]
    /// Directories with entries that are not on the disk yet, relative to `--dir`.
    private var changedDirectories: Set<String> = []
    private var failedSync: SystemCallError?
    /// Files that were opened in this life and that the journal does not name yet.
    private(set) var newIdentities: [FileIdentity] = []
    private var witness: FileWitness

    init(
        torrent: UInt16, map: FileMap, directory: OwnedDescriptor, openFiles: OpenFiles, allocation: FileAllocation,
        forcesToDisk: Bool, counters: DiskCounters
    ) {
        self.torrent = torrent
        self.map = map
        self.openFiles = openFiles
        self.allocation = allocation
        self.forcesToDisk = forcesToDisk
        self.counters = counters
        tree = DirectoryTree(directory)
        witness = FileWitness(comparesTimes: clinux_keeps_times(directory.rawValue) == 1)
    }

    /// What the journal vouches for must be there still when it is opened.
    func expect(_ before: JournalState) {
        witness.expect(Dictionary(uniqueKeysWithValues: before.inodes.map { (Int($0.key), $0.value) }))
    }

    /// Makes the empty files, and reserves space for the others if asked for.
    func prepare() throws(SystemCallError) {
        if root == nil {
            root = try counters.during(.open) { () throws(SystemCallError) in
                try tree.open("", flags: O_RDONLY | O_DIRECTORY)
            }
        }
        for (number, entry) in map.table.files.enumerated() where entry.kind == .wanted {
            if entry.byteCount == 0 {
                _ = try file(number)
            } else if allocation == .atStart {
                try reserve(try file(number), byteCount: entry.byteCount)
            }
        }
    }

    private func reserve(_ file: OpenFile, byteCount: UInt64) throws(SystemCallError) {
        let result = counters.during(.allocate) { clinux_reserve(file.descriptor.rawValue, 0, Int64(byteCount)) }
        // A file system that cannot reserve is no reason to refuse it: the file grows as it is written.
        if result != -EOPNOTSUPP { try checked("fallocate", subject: file.path, result) }
        markDirty(file)
        try touched(file)
    }

    /// From this size on, room that was reserved makes up for the reserving: 35 in place of 48 µs for a file of 256 KiB, as
    /// much either way for one of 64 (measured on ext4).
    private static let leastReserved: UInt64 = 256 << 10

    /// For a file that is new. What cannot be reserved is no error: the file grows as it is written.
    private func reserveIfItPays(_ file: OpenFile) throws(SystemCallError) {
        guard allocation == .whereItPays, let byteCount = map.byteCount(of: file.number),
            byteCount >= Self.leastReserved
        else { return }
        counters.during(.allocate) { clinux_reserve_if_it_pays(file.descriptor.rawValue, Int64(byteCount)) }
        try touched(file)
    }

    // MARK: writing

    /// - Parameter addresses: of the hash-workers' regions, by ordinal.
    func write(_ plan: WritePlan, addresses: [UInt16: UnsafeRawPointer]) throws(SystemCallError) {
        for call in plan.calls {
            let file = try file(call.file)
            try checkUnchanged(file)
            markDirty(file)
            var vectors = call.vectors.map { vector in
                let start = addresses[vector.region]! + vector.regionOffset
                return iovec(iov_base: UnsafeMutableRawPointer(mutating: start), iov_len: vector.byteCount)
            }
            try counters.during(.write) { () throws(SystemCallError) in
                defer { try? touched(file) }
                try write(&vectors, to: file, at: call.offset)
                counters.wrote(byteCount: call.byteCount)
                // Small files are left to the next sync; a hint that fails costs nothing but time.
                if forcesToDisk && call.byteCount >= Self.leastWriteBack {
                    _ = clinux_sync_file_range_start(
                        file.descriptor.rawValue, Int64(call.offset), Int64(call.byteCount))
                }
            }
        }
    }

    /// From this size on, write-back is started behind each write (measured: a GiB is on the disk in 0.35 s instead
    /// of 0.7 s). Below it the call costs more than it brings (a guess).
    private static let leastWriteBack = 65536

    private func write(_ vectors: inout [iovec], to file: OpenFile, at offset: UInt64) throws(SystemCallError) {
        var offset = offset
        var first = 0
        while first < vectors.count {
            let written = vectors.withUnsafeBufferPointer {
                pwritev(file.descriptor.rawValue, $0.baseAddress! + first, CInt($0.count - first), off_t(offset))
            }
            if written < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN else { throw SystemCallError("pwritev", errno, subject: file.path) }
                // No regular file should say so; a network file system that does gets a moment.
                usleep(1000)
            } else if written == 0 {
                throw SystemCallError("pwritev", ENOSPC, subject: file.path)
            } else {
                offset += UInt64(written)
                first = Self.advance(&vectors, from: first, by: written)
            }
        }
    }

    /// - Returns: the first vector with bytes left.
    private static func advance(_ vectors: inout [iovec], from first: Int, by byteCount: Int) -> Int {
        var index = first
        var rest = byteCount
        while index < vectors.count, rest >= vectors[index].iov_len {
            rest -= vectors[index].iov_len
            index += 1
        }
        if rest > 0 {
            vectors[index].iov_base += rest
            vectors[index].iov_len -= rest
        }
        return index
    }

    // MARK: other programs

    private func touched(_ file: OpenFile) throws(SystemCallError) {
        witness.touched(file.number, try FileStatus(descriptor: file.descriptor.rawValue, path: file.path))
    }

    private func checkUnchanged(_ file: OpenFile) throws(SystemCallError) {
        try witness.check(
            file.number, try FileStatus(descriptor: file.descriptor.rawValue, path: file.path), path: file.path)
    }

    /// The journal names them now.
    func identitiesRecorded() { newIdentities.removeAll(keepingCapacity: true) }

    // MARK: opening

    private func file(_ number: Int) throws(SystemCallError) -> OpenFile {
        if let file = openFiles.find(number, of: self) { return file }
        let path = map.path(of: number)
        openFiles.makeRoom()
        return try counters.during(.open) { () throws(SystemCallError) in
            let (descriptor, status, isNew) = try openMakingRoom(number, path)
            let file = OpenFile(number: number, path: path, descriptor: descriptor, torrent: self)
            if witness.inode(of: number) != status.inode {
                newIdentities.append(FileIdentity(file: UInt32(number), inode: status.inode))
            }
            witness.touched(number, status)
            if isNew {
                changedDirectories.insert(Self.parent(of: path))
                try reserveIfItPays(file)
            }
            // Bytes behind the end belong to no piece, and the result has to equal the source (libtorrent cuts too).
            if let byteCount = map.byteCount(of: number), status.byteCount > byteCount {
                guard ftruncate(descriptor.rawValue, off_t(byteCount)) == 0 else {
                    throw SystemCallError("ftruncate", errno, subject: path)
                }
                markDirty(file)
                try touched(file)
            }
            openFiles.add(file)
            return file
        }
    }

    /// Where this process, or the system, has no descriptor left, files that are open make room.
    private func openMakingRoom(
        _ number: Int, _ path: String
    ) throws(SystemCallError) -> (descriptor: OwnedDescriptor, status: FileStatus, isNew: Bool) {
        while true {
            do throws(SystemCallError) {
                return try open(number, path)
            } catch {
                guard [.tooManyOpenFiles, .tooManyOpenFilesInSystem].contains(error.errno), openFiles.shrink() else {
                    throw error
                }
            }
        }
    }

    private func open(
        _ number: Int, _ path: String
    ) throws(SystemCallError) -> (descriptor: OwnedDescriptor, status: FileStatus, isNew: Bool) {
        // One that had bytes of ours and is gone must not come back empty.
        if !witness.knows(number), let made = try make(path) { return (made.descriptor, made.status, true) }
        // Nor one that somebody removed since it was found a moment ago.
        guard let existing = try openExisting(path) else { throw FileWitness.change(of: path) }
        try witness.check(number, existing.status, path: path)
        return (existing.descriptor, existing.status, false)
    }

    /// - Returns: nil when there is such a file.
    private func make(_ path: String) throws(SystemCallError) -> (descriptor: OwnedDescriptor, status: FileStatus)? {
        do throws(SystemCallError) { return try openNew(path) } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
        }
        for directory in try tree.makeParents(of: path) { changedDirectories.insert(directory) }
        return try openNew(path)
    }

    private func openNew(
        _ path: String
    ) throws(SystemCallError) -> (descriptor: OwnedDescriptor, status: FileStatus)? {
        do throws(SystemCallError) {
            return try tree.openFile(path, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        } catch {
            guard error.errno == .fileExists else { throw error }
            return nil
        }
    }

    private func openExisting(
        _ path: String
    ) throws(SystemCallError) -> (descriptor: OwnedDescriptor, status: FileStatus)? {
        do throws(SystemCallError) {
            return try tree.openFile(path, flags: O_WRONLY)
        } catch {
            guard error.errno.rawValue == ENOENT else { throw error }
            return nil
        }
    }

    private static func parent(of path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? ""
    }

    // MARK: syncing

    private func markDirty(_ file: OpenFile) {
        file.isDirty = true
        dirtyFiles[file.number] = file
    }

    /// Opens files that a predecessor wrote, so that the next sync covers them. One that is gone is an error: it must
    /// not come back empty and be claimed.
    func inherit(_ files: Set<Int>) throws(SystemCallError) {
        for number in files.sorted() {
            let path = map.path(of: number)
            if openFiles.find(number, of: self) == nil, try openExisting(path) == nil {
                throw SystemCallError("open", ENOENT, subject: path)
            }
            markDirty(try file(number))
        }
    }

    /// Forces all that was written to the disk.
    /// - Throws: once for everything since the last good sync, also what failed when a file was closed early.
    func sync() throws(SystemCallError) {
        if let failedSync {
            self.failedSync = nil
            throw failedSync
        }
        let files = Array(dirtyFiles.values), directories = changedDirectories
        guard forcesToDisk, !files.isEmpty || !directories.isEmpty else { return }
        // Whatever the outcome: what failed is lost, and never tried again as if it could be saved.
        for file in files { file.isDirty = false }
        dirtyFiles = [:]
        changedDirectories = []
        for file in files { try checkUnchanged(file) }
        if SyncPolicy.syncsWholeFileSystem(fileCount: files.count, directoryCount: directories.count) {
            return try syncFileSystem()
        }
        for file in files { try force("fdatasync", file.path) { fdatasync(file.descriptor.rawValue) } }
        for path in directories {
            let directory = try tree.open(path, flags: O_RDONLY | O_DIRECTORY)
            try force("fsync", path) { fsync(directory.rawValue) }
        }
    }

    /// Makes a file's bytes safe before its descriptor goes; a failure is kept for the next `sync`, which then fails.
    func syncBeforeClosing(_ file: OpenFile) {
        guard file.isDirty else { return }
        guard forcesToDisk else {
            file.isDirty = false
            dirtyFiles[file.number] = nil
            return
        }
        do throws(SystemCallError) {
            if SyncPolicy.syncsWholeFileSystem(fileCount: dirtyFiles.count, directoryCount: 0) {
                for dirty in dirtyFiles.values { dirty.isDirty = false }
                dirtyFiles = [:]
                try syncFileSystem()
            } else {
                file.isDirty = false
                dirtyFiles[file.number] = nil
                try force("fdatasync", file.path) { fdatasync(file.descriptor.rawValue) }
            }
        } catch {
            failedSync = failedSync ?? error
        }
    }

    private func syncFileSystem() throws(SystemCallError) {
        guard let root else { preconditionFailure("files are synced after they were prepared") }
        try counters.syncing { () throws(SystemCallError) in
            _ = try checked("syncfs", clinux_syncfs(root.rawValue))
        }
    }

    private func force(_ call: String, _ path: String, _ body: () -> CInt) throws(SystemCallError) {
        try counters.syncing { () throws(SystemCallError) in
            guard body() == 0 else { throw SystemCallError(call, errno, subject: path) }
        }
    }

    // MARK: facts

    /// The facts of every file that exists, for the clean-stop record.
    /// - Parameter before: what the journal knew when this life began. A file that this life did not open keeps its old
    ///   facts, so that a change behind our back is seen at the next start; one that was swapped or changed gets none.
    /// - Returns: and the first file that another program changed or removed in this life.
    func facts(_ before: JournalState) throws(SystemCallError) -> (facts: [FileFact], changed: String?) {
        let known = Dictionary(
            (before.cleanStop ?? []).map { ($0.file, $0) }, uniquingKeysWith: { _, last in last })
        var survey = tree.lookAround()
        var facts: [FileFact] = []
        var changed: String?
        let wanted = map.table.files.indices.filter { map.table.files[$0].kind == .wanted }
        for number in wanted + (map.table.partsPath.isEmpty ? [] : [map.partsFile]) {
            let name = UInt32(number)
            if witness.inode(of: number) == nil, let fact = known[name] {
                facts.append(fact)
                continue
            }
            let found = try survey.status(of: map.path(of: number))
            if witness.hasChanged(number, found) {
                changed = changed ?? map.path(of: number)
                continue
            }
            guard let status = found,
                status.inode == witness.inode(of: number) ?? before.inodes[name] ?? status.inode
            else { continue }
            facts.append(
                FileFact(file: name, byteCount: status.byteCount, modified: status.modified, inode: status.inode))
        }
        return (facts, changed)
    }
}
