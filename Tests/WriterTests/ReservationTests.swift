import Glibc
import PoolProtocol
import TestSupport
import Testing

@testable import Writer

/// `--file-allocation`.
@Suite struct ReservationTests {
    /// One large enough to be reserved with its first byte, one that is not, and one that nobody wants.
    private static let files = WriterFixture.table(
        [(.wanted, 1 << 20), (.wanted, 100_000), (.unselected, 1 << 20)], pieceByteCount: 1 << 16)
    private static let large = "file0", small = "folder/deep1/file1", unwanted = "file2"

    /// Length, and bytes on disk or reserved there.
    private func sizes(_ rig: DiskRig, _ path: String) throws -> (length: Int, room: Int) {
        var status = stat()
        try #require(stat(rig.directory + "/" + path, &status) == 0)
        return (Int(status.st_size), Int(status.st_blocks) * 512)
    }

    @Test func atTheStartAllFilesAreAsLongAsTheyWillBe() throws {
        let rig = try DiskRig(Self.files, allocation: .atStart)
        #expect(rig.contents(Self.large)?.count == 1 << 20)
        #expect(rig.contents(Self.small)?.count == 100_000)
        #expect(rig.contents(Self.unwanted) == nil)
    }

    @Test(arguments: [FileAllocation.whereItPays, .never])
    func withItsFirstByteALargeFileHasItsRoomWhereThatPays(allocation: FileAllocation) throws {
        let rig = try DiskRig(Self.files, allocation: allocation)
        #expect(rig.contents(Self.large) == nil, "before it is begun nothing is there")
        #expect(try rig.write(0, 1 << 16) == .done)
        #expect(try rig.write(1 << 20, 1 << 14) == .done)
        #expect(rig.sync([0]) == .done)
        let large = try sizes(rig, Self.large), small = try sizes(rig, Self.small)
        let isReserved = try allocation == .whereItPays && liesOnExt4(rig.directory)
        #expect(large.length == 1 << 16, "a file is no longer than what it holds")
        #expect(large.room == (isReserved ? 1 << 20 : 1 << 16))
        #expect(small == (1 << 14, 1 << 14))
    }

    @Test func aFileThatWasThereIsLeftAsItWas() throws {
        let rig = try DiskRig(Self.files, allocation: .whereItPays, prepared: false)
        try rig.put([1, 2, 3], at: Self.large)
        #expect(rig.perform(.lock(torrent: 7)) == .done && rig.perform(.prepare(torrent: 7)) == .done)
        #expect(try rig.write(0, 1 << 16) == .done)
        #expect(rig.sync([0]) == .done)
        #expect(try sizes(rig, Self.large) == (1 << 16, 1 << 16))
    }

    /// 16 TiB are more than any disk of these tests has.
    @Test func whatTheDiskHasNoRoomForIsWrittenWithout() throws {
        let rig = try DiskRig(
            WriterFixture.table([(.wanted, 1 << 44)], pieceByteCount: 1 << 26), allocation: .whereItPays)
        #expect(try rig.write(0, 1 << 16) == .done)
        #expect(rig.sync([]) == .done)
        #expect(try sizes(rig, Self.large) == (1 << 16, 1 << 16))
    }
}
