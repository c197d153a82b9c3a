import BitTorrent
import Testing

@testable import PeerWorker

@Suite struct ReadPaceTests {
    private func rest(_ reads: [Int], _ mebibytesPerSecond: Double, isFull: Bool = false) -> Duration {
        var pace = ReadPace()
        for byteCount in reads { pace.read(byteCount: byteCount, isFull: isFull) }
        return pace.turnEnded(bytesPerSecond: mebibytesPerSecond * 1_048_576)
    }

    @Test func fastPeersAreLetGather() {
        // Half a MiB at a GiB a second, less what came already.
        #expect(rest([1], 1024) > .microseconds(485) && rest([1], 1024) <= .microseconds(489))
        let half = rest([128 << 10, 128 << 10], 1024)
        #expect(half > .microseconds(240) && half <= .microseconds(245))
        #expect(rest([16384], 100) == ReadPace.longestRest)
    }

    @Test func aTurnThatFoundEnoughIsFollowedAtOnce() {
        #expect(rest([ReadPace.gathered], 1024) == .zero)
        #expect(rest([10 << 20], 1024) == .zero)
    }

    @Test func whereMoreIsWaitingItIsReadAtOnce() {
        #expect(rest([16384], 1024, isFull: true) == .zero)
        var pace = ReadPace()
        pace.read(byteCount: 16384, isFull: true)
        pace.read(byteCount: 16384, isFull: false)
        #expect(pace.turnEnded(bytesPerSecond: 1e9) == .zero)
    }

    @Test func slowPeersAndOtherNewsAreNotMadeToWait() {
        #expect(rest([16384], 31.9) == .zero)
        #expect(rest([], 1024) == .zero)
        #expect(rest([16384], 0) == .zero)
    }

    @Test func everyTurnBeginsAnew() {
        var pace = ReadPace()
        pace.read(byteCount: 300 << 10, isFull: true)
        _ = pace.turnEnded(bytesPerSecond: 1e9)
        #expect(pace.turnEnded(bytesPerSecond: 1e9) == .zero)
        pace.read(byteCount: 1, isFull: false)
        #expect(pace.turnEnded(bytesPerSecond: 1e9) > .microseconds(500))
    }
}
