import BitTorrent
import TestSupport
import Testing

@Suite struct SessionSimulationTests {
    private static let seed = UInt64.random(in: 0...UInt64.max)
    private static let long = TorrentGeometry(totalByteCount: 4096 * 1_048_576, pieceByteCount: 1_048_576)

    private func bytes(_ peer: SimulatedPeer) -> Double { Double(peer.received.count) * 16384 }

    @Test func aDistantPeersLineIsFilled() {
        var peer = SimulatedPeer(geometry: Self.long, seed: Self.seed, reqq: 2000)
        peer.run(for: .seconds(2))
        let before = bytes(peer)
        peer.run(for: .seconds(10))
        #expect(bytes(peer) - before >= 0.9 * 10 * peer.bytesPerSecond)
        #expect(peer.duplicates == 0)
        // Not much more than bandwidth × (delay + margin): 10 MB/s × 1.1 s is 671 blocks.
        #expect(peer.mostAwaited < 1000)
    }

    @Test func aNearPeersLineIsFilledFromTheFirstSecond() {
        var peer = SimulatedPeer(geometry: Self.long, seed: Self.seed, reqq: 2000)
        peer.delay = .microseconds(100)
        peer.bytesPerSecond = 100_000_000
        peer.run(for: .seconds(1))
        #expect(bytes(peer) >= 0.95 * peer.bytesPerSecond)
    }

    @Test func aSlowPeersQueueStaysShort() {
        var peer = SimulatedPeer(geometry: Self.long, seed: Self.seed, reqq: 2000)
        peer.bytesPerSecond = 20_000
        peer.run(for: .seconds(120))
        #expect(bytes(peer) >= 0.9 * 120 * peer.bytesPerSecond)
        #expect(peer.mostAwaited <= 20)
        #expect(peer.duplicates == 0)
        #expect(!peer.talk.session.isSnubbed)
    }

    @Test func moreThanThePeerQueuesIsNeverOutstanding() {
        for reqq in [1, 10, 250] {
            var peer = SimulatedPeer(geometry: Self.long, seed: Self.seed, reqq: reqq)
            peer.queueLimit = reqq
            peer.run(for: .seconds(5))
            #expect(peer.mostAwaited == reqq)
            #expect(peer.received.count > 10 * reqq)
        }
        var silent = SimulatedPeer(geometry: Self.long, seed: Self.seed)
        silent.run(for: .seconds(5))
        #expect(silent.mostAwaited == 250)
    }

    @Test func aPeerThatLosesRequestsStillDeliversEverything() {
        let geometry = TorrentGeometry(totalByteCount: 3000 * 16384 + 5, pieceByteCount: 16384 * 3)
        for seed in (0..<40).map({ Self.seed &+ $0 }) {
            var peer = SimulatedPeer(geometry: geometry, seed: seed)
            peer.lossShare = 0.05
            peer.run(for: .seconds(600))
            #expect(peer.isComplete, "seed \(seed)")
            #expect(peer.received.count == 3001)
            #expect(peer.duplicates == 0)
        }
    }

    @Test func aPeerThatQueuesLessThanItSaysIsLearned() {
        for reqq in [2000, 250] {
            var peer = SimulatedPeer(geometry: Self.long, seed: Self.seed, reqq: reqq)
            peer.queueLimit = 50
            peer.run(for: .seconds(60))
            let before = bytes(peer)
            peer.run(for: .seconds(60))
            // 50 blocks per round trip of 0.1 s is 8 MB/s.
            #expect(bytes(peer) - before >= 0.6 * 60 * 8_000_000, "\(reqq)")
            #expect(peer.duplicates == 0)
        }
    }
}
