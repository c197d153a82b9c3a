import BitTorrent
import CLinux
import Foundation
import Glibc
import PoolProtocol
import PoolRuntime

@testable import Writer

/// A directory of its own and one torrent in it, as the disk thread has it.
final class DiskRig {
    let root: String
    /// `--dir`.
    let directory: String
    let table: FileTable
    let counters: DiskCounters
    let openFiles: OpenFiles
    private(set) var disk: TorrentDisk
    private(set) var files: TorrentFiles

    /// - Parameters:
    ///   - directory: instead of one below the rig's own root.
    ///   - prepared: lock and preparation are done.
    init(
        _ table: FileTable, capacity: Int = OpenFiles.usualCapacity, allocation: FileAllocation = .never,
        sync: SyncMode = .batch,
        directory: String? = nil, prepared: Bool = true
    ) throws {
        var template = Array("/tmp/writer-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp", errno) }
        root = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.directory = directory ?? root + "/dir"
        self.table = table
        if directory == nil { mkdir(self.directory, 0o755) }
        counters = DiskCounters(status: try StatusPageWriter.makeOwn().writer)
        openFiles = OpenFiles(capacity: capacity)
        var header = JournalWriter()
        header.appendHeader(table.journalSubject)
        try Data(header.bytes).write(to: URL(fileURLWithPath: root + "/journal"))
        (disk, files) = try Self.makeDisk(
            table, root: root, directory: self.directory, openFiles: openFiles, counters: counters,
            allocation: allocation, sync: sync)
        if prepared {
            guard perform(.lock(torrent: 7)) == .done, perform(.prepare(torrent: 7)) == .done else {
                throw SystemCallError("prepare", EINVAL, subject: root)
            }
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// Shared memory of the test's own.
    static func makeMapping(byteCount: Int) throws -> RegionMapping {
        let memory = try RegionMapping.makeRegion(name: "test", byteCount: byteCount)
        return try RegionMapping(descriptor: memory.rawValue, byteCount: byteCount, access: .readWrite)
    }

    private static func makeDisk(
        _ table: FileTable, root: String, directory: String, openFiles: OpenFiles, counters: DiskCounters,
        allocation: FileAllocation, sync: SyncMode
    ) throws -> (TorrentDisk, TorrentFiles) {
        func open(_ path: String, _ flags: CInt) throws -> OwnedDescriptor {
            OwnedDescriptor(try checked("open", subject: path, clinux_open(path, flags, 0o644)))
        }
        let files = TorrentFiles(
            torrent: 7, map: try FileMap(table), directory: try open(directory, clinux_o_path | O_DIRECTORY),
            openFiles: openFiles, allocation: allocation, forcesToDisk: sync != .none, counters: counters)
        let disk = TorrentDisk(
            files: files, journal: JournalFile(try open(root + "/journal", O_RDWR | O_APPEND)),
            lock: try open(root + "/lock", O_RDWR | O_CREAT), counters: counters, forcesToDisk: sync != .none)
        return (disk, files)
    }

    /// Another process's life with the same files and journal.
    func successor() throws -> (disk: TorrentDisk, files: TorrentFiles) {
        try Self.makeDisk(
            table, root: root, directory: directory, openFiles: OpenFiles(), counters: counters, allocation: .never,
            sync: .batch)
    }

    /// The torrent's bytes: position 0 is 0, then counted modulo 251.
    func byte(at offset: UInt64) -> UInt8 { UInt8(offset % 251) }

    func perform(_ order: DiskOrder) -> DiskOutcome { disk.perform(order, addresses: [:]) }

    /// Writes a range of the torrent.
    func write(_ offset: UInt64, _ byteCount: Int) throws -> DiskOutcome {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        defer { memory.deallocate() }
        for index in 0..<byteCount { memory[index] = byte(at: offset + UInt64(index)) }
        let source = WritePlan.Source(offset: offset, region: 0, regionOffset: 0, byteCount: byteCount)
        let plan = try WritePlan([source], map: FileMap(table))
        return disk.perform(.write(torrent: 7, plan), addresses: [0: UnsafeRawPointer(memory.baseAddress!)])
    }

    func sync(_ pieces: [Int], inherited: Set<Int> = []) -> DiskOutcome {
        var batch = SyncPolicy.Batch(pieces: pieces.map { PieceIndex($0) })
        batch.inheritedFiles = inherited
        return perform(.sync(torrent: 7, batch))
    }

    func contents(_ path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: "\(directory)/\(path)").map { Array($0) }
    }

    func put(_ bytes: [UInt8], at path: String) throws {
        let whole = URL(fileURLWithPath: "\(directory)/\(path)")
        try FileManager.default.createDirectory(
            at: whole.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: whole)
    }

    func journal() throws -> JournalReading {
        try JournalReader.read(
            Array(FileManager.default.contents(atPath: root + "/journal")!), subject: table.journalSubject)
    }

    func journalByteCount() throws -> Int { try Data(contentsOf: URL(fileURLWithPath: root + "/journal")).count }

    /// What a file of the table has to hold when everything was written.
    func expected(_ number: Int) -> [UInt8] {
        let file = table.files[number]
        return (0..<file.byteCount).map { byte(at: file.offset + $0) }
    }
}

extension DiskOutcome {
    var failure: DiskFailure? { if case .failed(let failure) = self { failure } else { nil } }
}
