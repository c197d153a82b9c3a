import BitTorrent
import Foundation
import Glibc
import PoolProtocol
import PoolRuntime
import Testing

@testable import Writer

/// Files that another program changes while we write them.
struct ForeignChangeTests {
    private static let two = WriterFixture.table([(.wanted, 64), (.wanted, 64)], pieceByteCount: 16)
    private let second = "folder/deep1/file1"

    enum Change: CaseIterable { case truncated, overwritten, longer }

    /// The first half of the first file is written and synced.
    private func rig(capacity: Int = 8) throws -> DiskRig {
        let rig = try DiskRig(Self.two, capacity: capacity)
        #expect(try rig.write(0, 32) == .done)
        #expect(rig.sync([0, 1]) == .done)
        return rig
    }

    private func make(_ change: Change, of path: String) throws {
        // The clock of a file system may stand still for a tick.
        usleep(10_000)
        switch change {
        case .truncated: truncate(path, 8)
        case .overwritten:
            let file = try #require(FileHandle(forWritingAtPath: path))
            try file.write(contentsOf: Data([9]))
        case .longer: truncate(path, 50)
        }
    }

    @Test(arguments: Change.allCases) func changeIsSeenBeforeTheNextWriteCoversIt(change: Change) throws {
        let rig = try rig()
        try make(change, of: rig.directory + "/file0")
        let failure = try #require(try rig.write(32, 32).failure)
        #expect(failure.stage == .writing && failure.errno == ESTALE && failure.path == "file0")
        #expect(try rig.write(64, 64) == .done, "the other file is well")
        #expect(rig.sync([4, 5, 6, 7]) == .done)
        #expect(rig.perform(.finish(torrent: 7)).failure?.errno == ESTALE)
        #expect(try rig.journal().state.cleanStop?.map(\.file) == [1], "the next start looks at the other one")
    }

    @Test(arguments: Change.allCases) func changeBehindTheLastWriteIsSeenByTheSync(change: Change) throws {
        let rig = try rig()
        #expect(try rig.write(32, 32) == .done)
        try make(change, of: rig.directory + "/file0")
        let failure = try #require(rig.sync([2, 3]).failure)
        #expect(failure.stage == .syncing && failure.errno == ESTALE)
        #expect(try rig.journal().state.synced.count == 2)
    }

    /// It was closed to make room for another; what is there now is a new one.
    @Test func removedFileDoesNotComeBackEmpty() throws {
        let rig = try rig(capacity: 1)
        #expect(try rig.write(64, 16) == .done)
        unlink(rig.directory + "/file0")
        let failure = try #require(try rig.write(32, 32).failure)
        #expect(failure.errno == ESTALE && failure.path == "file0")
    }

    @Test func successorMissesWhatItsPredecessorRecorded() throws {
        let rig = try rig()
        unlink(rig.directory + "/file0")
        let next = try rig.successor()
        #expect(next.disk.perform(.prepare(torrent: 7), addresses: [:]) == .done)
        let memory = [UInt8](repeating: 1, count: 16)
        let outcome = try memory.withUnsafeBytes { bytes in
            let source = WritePlan.Source(offset: 32, region: 0, regionOffset: 0, byteCount: 16)
            let plan = try WritePlan([source], map: FileMap(rig.table))
            return next.disk.perform(.write(torrent: 7, plan), addresses: [0: bytes.baseAddress!])
        }
        #expect(outcome.failure?.errno == ESTALE)
    }

    /// Space that is reserved and ends that are cut change the file, too, and are ours.
    @Test func ourOwnChangesAreNone() throws {
        let rig = try DiskRig(Self.two, capacity: 1, allocation: .atStart)
        usleep(10_000)
        for offset in [UInt64(0), 64, 16, 80, 32, 96, 48, 112] { #expect(try rig.write(offset, 16) == .done) }
        #expect(rig.sync(Array(0..<8)) == .done)
        #expect(rig.perform(.finish(torrent: 7)) == .done)
        #expect(try rig.journal().state.cleanStop?.count == 2)
    }

    @Test func modeAndNameOfTheLinkAreNobodysBusiness() throws {
        let rig = try rig()
        chmod(rig.directory + "/file0", 0o600)
        link(rig.directory + "/file0", rig.root + "/link")
        #expect(try rig.write(32, 32) == .done)
        #expect(rig.sync([2, 3]) == .done)
    }
}
