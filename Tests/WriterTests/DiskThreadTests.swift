import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime
import Testing

@testable import Writer

@Suite struct DiskThreadTests {
    private func result(_ thread: DiskThread) throws -> DiskResult {
        var watched = pollfd(fd: thread.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, 10_000) == 1 else { throw SystemCallError("poll", ETIMEDOUT) }
        let results = thread.takeResults()
        #expect(results.count == 1)
        return try #require(results.first)
    }

    @Test func orderIsCarriedOutAndItsResultComesBack() throws {
        let rig = try DiskRig(WriterFixture.oneFile)
        let thread = try DiskThread(counters: rig.counters)
        thread.add(rig.disk)
        let region = try DiskRig.makeMapping(byteCount: 131_072)
        for index in 0..<100_000 {
            region.base.storeBytes(of: rig.byte(at: UInt64(index)), toByteOffset: index, as: UInt8.self)
        }
        let plan = try WritePlan(
            [WritePlan.Source(offset: 0, region: 3, regionOffset: 0, byteCount: 100_000)], map: FileMap(rig.table))
        thread.perform(.write(torrent: 7, plan), regions: [3: region])
        let written = try result(thread)
        #expect(written.outcome == .done && written.report.writtenByteCount == 100_000)
        #expect(rig.contents("file0") == (0..<100_000).map { rig.byte(at: $0) })
        thread.perform(.finish(torrent: 7), regions: [:])
        #expect(try result(thread).outcome == .done)
        #expect(thread.takeResults().isEmpty)
    }
}
