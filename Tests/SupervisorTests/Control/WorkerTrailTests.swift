import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

@Suite struct WorkerTrailTests {
    private let now = MonotonicInstant(nanoseconds: 5_000_000_000)
    private func record(_ age: Duration) -> TrailRecord {
        TrailRecord(.verified, Tags(torrent: 0, piece: PieceIndex(3)), time: now + (.zero - age))
    }

    @Test func eachLineSaysHowLongBeforeTheEndItWas() {
        let trail = WorkerTrail([record(.milliseconds(1500)), record(.microseconds(7))], now: now)
        #expect(
            trail.lines == [
                "  1.500000s ago  t0 piece:3: its hash is right", "  0.000007s ago  t0 piece:3: its hash is right",
            ])
    }

    @Test func theFutureIsNoMemoryOfAnything() {
        let ahead = TrailRecord(.verified, time: .distantFuture)
        #expect(WorkerTrail([ahead, record(.zero)], now: now).records == [record(.zero)])
    }

    @Test func whereShowsTheLastTwenty() {
        let trail = WorkerTrail((0..<100).reversed().map { record(.milliseconds($0)) }, now: now)
        #expect(trail.entries.count == EventRing.capacity && trail.entries.last?.time == now)
        var account = Account("p0")
        account.trail = trail.entries
        let lines = account.lines(now: now)
        #expect(lines.count == 2 + EventRing.capacity && lines[1] == "its own")
        #expect(account.json(now: now).text.contains("\"own_events\":[{"))
    }
}
