import BitTorrent
import Foundation
import Glibc
import PoolProtocol
import PoolRuntime
import Testing

@testable import Writer

@Suite struct TorrentDiskTests {
    /// file0 (10) · folder/deep1/file1 (30) · pad (8) · folder/deep3/file3 (0) · file4 (not selected, 20)
    private static let mixed = WriterFixture.table(
        [(.wanted, 10), (.wanted, 30), (.pad, 8), (.wanted, 0), (.unselected, 20)], pieceByteCount: 16)

    @Test func everyByteLandsInItsFile() throws {
        let rig = try DiskRig(Self.mixed)
        #expect(rig.contents("folder/deep3/file3") == [], "empty files exist from the start")
        #expect(rig.contents("file0") == nil, "others when they are written")
        for start in [32, 0, 48, 16, 64] { #expect(try rig.write(UInt64(start), min(16, 68 - start)) == .done) }
        #expect(rig.contents("file0") == rig.expected(0))
        #expect(rig.contents("folder/deep1/file1") == rig.expected(1))
        #expect(rig.contents(".parts") == [UInt8](repeating: 0, count: 7) + rig.expected(4))
        #expect(rig.contents("file4") == nil)
    }

    @Test func syncedPiecesAreInTheJournalWithTheirInodes() throws {
        let rig = try DiskRig(Self.mixed)
        _ = try rig.write(0, 32)
        #expect(rig.sync([0, 1]) == .done)
        #expect(rig.perform(.record(torrent: 7, [.beat])) == .done)
        let state = try rig.journal().state
        #expect(state.synced.count == 2)
        var information = stat()
        stat(rig.directory + "/file0", &information)
        #expect(state.inodes[0] == UInt64(information.st_ino))
        #expect(state.inodes.count == 3, "two written files and the empty one")
        #expect(rig.counters.report.syncCount > 0)
    }

    @Test func writtenFilesAreInTheJournalBeforeTheFirstSync() throws {
        let rig = try DiskRig(Self.mixed)
        _ = try rig.write(0, 16)
        var information = stat()
        stat(rig.directory + "/file0", &information)
        let state = try rig.journal().state
        #expect(state.inodes[0] == UInt64(information.st_ino))
        #expect(state.synced.isEmpty, "a file that is ours claims nothing")
        let size = try rig.journalByteCount()
        _ = try rig.write(0, 16)
        #expect(try rig.journalByteCount() == size, "once is enough")
    }

    @Test func linkBelowTheDirectoryIsNotFollowed() throws {
        let rig = try DiskRig(Self.mixed, prepared: false)
        mkdir(rig.root + "/outside", 0o755)
        symlink(rig.root + "/outside", rig.directory + "/folder")
        let failure = try #require(rig.perform(.prepare(torrent: 7)).failure)
        #expect(failure.errno == ELOOP || failure.errno == ENOTDIR)
        #expect(failure.path.hasPrefix("folder"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: rig.root + "/outside").isEmpty)
    }

    @Test func linkInPlaceOfAFileIsNotFollowed() throws {
        let rig = try DiskRig(Self.mixed)
        symlink(rig.root + "/victim", rig.directory + "/file0")
        let failure = try #require(try rig.write(0, 16).failure)
        #expect(failure.errno == ELOOP && failure.path == "file0" && failure.stage == .writing)
        #expect(access(rig.root + "/victim", F_OK) != 0)
    }

    @Test(.timeLimit(.minutes(1))) func pipeInPlaceOfAFileDoesNotBlock() throws {
        let rig = try DiskRig(Self.mixed)
        mkfifo(rig.directory + "/file0", 0o600)
        #expect(try rig.write(0, 16).failure?.errno == ENXIO)
        // With a reader the pipe can be opened, and is no file all the same.
        let reader = open(rig.directory + "/file0", O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        #expect(try rig.write(0, 16).failure?.errno == ENXIO)
    }

    @Test func directoryInPlaceOfAFileIsAnError() throws {
        let rig = try DiskRig(Self.mixed)
        mkdir(rig.directory + "/file0", 0o755)
        #expect(try rig.write(0, 16).failure?.errno == EISDIR)
    }

    @Test func longerFileIsCutAndAShorterOneKept() throws {
        let rig = try DiskRig(Self.mixed)
        try rig.put([UInt8](repeating: 9, count: 50), at: "file0")
        try rig.put([UInt8](repeating: 9, count: 12), at: "folder/deep1/file1")
        _ = try rig.write(0, 12)
        #expect(rig.contents("file0") == rig.expected(0))
        #expect(rig.contents("folder/deep1/file1")?.count == 12)
        #expect(rig.contents("folder/deep1/file1")?[5] == 9)
    }

    @Test func manyFilesNeedFewDescriptors() throws {
        let table = WriterFixture.table((0..<200).map { _ in (.wanted, 10) }, pieceByteCount: 16)
        let rig = try DiskRig(table, capacity: 4)
        for offset in stride(from: 0, to: 2000, by: 100) {
            #expect(try rig.write(UInt64(offset), 100) == .done)
            #expect(rig.openFiles.count <= 4)
        }
        #expect(rig.sync(Array(0..<125)) == .done)
        for number in 0..<200 { #expect(rig.contents(table.files[number].path) == rig.expected(number)) }
        #expect(try rig.journal().state.synced.isFull)
    }

    @Test func refusedDescriptorClosesHalfOfTheFilesAndKeepsTheirBytes() throws {
        let table = WriterFixture.table((0..<64).map { _ in (.wanted, 10) }, pieceByteCount: 16)
        let rig = try DiskRig(table, capacity: 32)
        #expect(try rig.write(0, 320) == .done)
        #expect(rig.openFiles.count == 32)
        #expect(try rig.write(320, 10) == .done)
        #expect(rig.openFiles.count == 29, "an eighth makes room at a time")
        #expect(rig.openFiles.shrink())
        #expect(rig.openFiles.count < 16)
        #expect(try rig.write(330, 310) == .done)
        #expect(rig.openFiles.count <= 16, "as few from then on")
        #expect(rig.sync(Array(0..<40)) == .done)
        for number in 0..<64 { #expect(rig.contents(table.files[number].path) == rig.expected(number)) }
        for _ in 0..<5 { _ = rig.openFiles.shrink() }
        #expect(rig.openFiles.count == 0 && !rig.openFiles.shrink(), "there is nothing more to close")
    }

    @Test func predecessorsMissingFileIsNeverClaimed() throws {
        let rig = try DiskRig(Self.mixed)
        try rig.put([UInt8](repeating: 1, count: 10), at: "file0")
        #expect(rig.sync([0], inherited: [0]) == .done)
        let failure = try #require(rig.sync([1], inherited: [1]).failure)
        #expect(failure.stage == .syncing && failure.errno == ENOENT && failure.path == "folder/deep1/file1")
        #expect(rig.contents("folder/deep1/file1") == nil)
        #expect(try rig.journal().state.synced.count == 1)
    }

    @Test func tornJournalIsCutBeforeTheNextRecord() throws {
        let rig = try DiskRig(Self.mixed, prepared: false)
        let whole = JournalWriter.encode([.piecesSynced([PieceIndex(2)])])
        let handle = try #require(FileHandle(forUpdatingAtPath: rig.root + "/journal"))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(whole + whole.dropLast(3)))
        #expect(rig.perform(.prepare(torrent: 7)) == .done)
        #expect(rig.sync([0]) == .done)
        let reading = try rig.journal()
        #expect(reading.damage == nil)
        #expect(reading.state.synced.contains(PieceIndex(0)) && reading.state.synced.contains(PieceIndex(2)))
    }

    @Test func foreignJournalIsNeverAppendedTo() throws {
        let rig = try DiskRig(Self.mixed, prepared: false)
        let foreign = [UInt8](repeating: 7, count: 100)
        try Data(foreign).write(to: URL(fileURLWithPath: rig.root + "/journal"))
        let failure = try #require(rig.perform(.prepare(torrent: 7)).failure)
        #expect(failure.stage == .recording && failure.path == JournalFile.name)
        #expect(FileManager.default.contents(atPath: rig.root + "/journal") == Data(foreign))
    }

    @Test func secondWriterMustWaitForTheFirst() throws {
        let rig = try DiskRig(Self.mixed)
        let second = try rig.successor()
        guard case .lockIsHeld(let failure) = second.disk.perform(.lock(torrent: 7), addresses: [:]) else {
            Issue.record("two writers at once")
            return
        }
        #expect(failure.call == "flock" && failure.errno == EWOULDBLOCK)
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
    func directoryThatMayNotBeWrittenIsNamed() throws {
        let rig = try DiskRig(Self.mixed)
        chmod(rig.directory, 0o555)
        defer { chmod(rig.directory, 0o755) }
        let failure = try #require(try rig.write(0, 10).failure)
        #expect(failure.errno == EACCES && failure.path == "file0")
    }
}

@Suite struct CleanStopTests {
    private static let two = WriterFixture.table([(.wanted, 16), (.wanted, 16)], pieceByteCount: 16)
    private let second = "folder/deep1/file1"

    private func facts(_ rig: DiskRig) throws -> [UInt32: FileFact] {
        Dictionary(try #require(rig.journal().state.cleanStop).map { ($0.file, $0) }, uniquingKeysWith: { $1 })
    }

    @Test func cleanStopHoldsTheFactsOfEveryFile() throws {
        let rig = try DiskRig(Self.two)
        _ = try rig.write(0, 32)
        #expect(rig.sync([0, 1]) == .done)
        #expect(rig.perform(.finish(torrent: 7)) == .done)
        var survey = DirectoryTree(OwnedDescriptor(open(rig.directory, O_RDONLY))).lookAround()
        for (number, path) in [(0, "file0"), (1, second)] {
            let status = try #require(try survey.status(of: path))
            let fact = FileFact(
                file: UInt32(number), byteCount: status.byteCount, modified: status.modified, inode: status.inode)
            #expect(try facts(rig)[UInt32(number)] == fact)
        }
    }

    @Test func fileThatWasSwappedOrRemovedIsNotVouchedFor() throws {
        let rig = try DiskRig(Self.two)
        _ = try rig.write(0, 32)
        #expect(rig.sync([0, 1]) == .done)
        try FileManager.default.moveItem(atPath: rig.directory + "/file0", toPath: rig.directory + "/old")
        try rig.put([UInt8](repeating: 0, count: 16), at: "file0")
        unlink(rig.directory + "/" + second)
        let failure = try #require(rig.perform(.finish(torrent: 7)).failure)
        #expect(failure.errno == ESTALE && failure.path == "file0")
        #expect(try facts(rig).isEmpty)
    }

    @Test func untouchedFileKeepsTheFactsItHad() throws {
        let rig = try DiskRig(Self.two)
        _ = try rig.write(0, 32)
        #expect(rig.sync([0, 1]) == .done)
        #expect(rig.perform(.finish(torrent: 7)) == .done)
        let before = try facts(rig)
        let next = try rig.successor()
        #expect(next.disk.perform(.prepare(torrent: 7), addresses: [:]) == .done)
        // Somebody writes into the file while the second run has no reason to open it.
        let handle = try #require(FileHandle(forUpdatingAtPath: rig.directory + "/file0"))
        try handle.write(contentsOf: Data([99]))
        utimensat(AT_FDCWD, rig.directory + "/file0", nil, 0)
        #expect(next.disk.perform(.finish(torrent: 7), addresses: [:]) == .done)
        #expect(try facts(rig) == before)
    }
}
