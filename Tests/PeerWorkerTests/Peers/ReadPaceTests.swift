import BitTorrent
import Testing

@testable import PeerWorker

@Suite struct ReadPaceTests {
    private func rest(_ movedByteCount: Int, _ mebibytesPerSecond: Double, fastest: Double = 100) -> Duration {
        ReadPace.rest(
            movedByteCount: movedByteCount, bytesPerSecond: mebibytesPerSecond * 1_048_576,
            fastest: fastest * 1_048_576)
    }

    @Test func fastPeersAreLetGather() {
        // Half a MiB at a GiB a second, less what came already.
        #expect(rest(1, 1024) > .microseconds(485) && rest(1, 1024) <= .microseconds(489))
        #expect(rest(256 << 10, 1024) > .microseconds(240) && rest(256 << 10, 1024) <= .microseconds(245))
        #expect(rest(16384, 100) == ReadPace.longestRest)
    }

    @Test func aTurnThatFoundEnoughIsFollowedAtOnce() {
        #expect(rest(ReadPace.gathered, 1024) == .zero)
        #expect(rest(10 << 20, 1024) == .zero)
    }

    @Test func slowPeersAndOtherNewsAreNotMadeToWait() {
        #expect(rest(16384, 31.9) == .zero)
        #expect(rest(0, 1024) == .zero)
        #expect(rest(16384, 0) == .zero)
        #expect(rest(16384, 1024, fastest: 256) == .zero)
    }
}
