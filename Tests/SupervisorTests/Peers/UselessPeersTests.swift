import BitTorrent
import TestSupport
import Testing

@testable import Supervisor

@Suite struct UselessPeersTests {
    private var clock = FakeClock()
    private var peers = UselessPeers()

    private func key(_ peer: Int) -> PeerBook.Key { .init(worker: 0, peer: UInt32(peer)) }

    private mutating func connect(_ count: Int) {
        for peer in 0..<count { peers.connected(key(peer), now: clock.now) }
    }

    private mutating func report(_ peer: Int, moved: UInt64 = 0, mayWait: Bool = false) {
        peers.reported(key(peer), movedByteCount: moved, mayWait: mayWait, now: clock.now)
    }

    private mutating func evict(_ count: Int = .max) -> [UInt32] {
        peers.evict(atMost: count, now: clock.now).map(\.peer)
    }

    @Test mutating func longestQuietYieldsFirst() {
        connect(3)
        for peer in 0..<3 { report(peer) }
        clock.advance(by: .seconds(60))
        for peer in [0, 2] { report(peer, moved: 1) }
        clock.advance(by: .seconds(115))
        #expect(evict() == [])
        clock.advance(by: .seconds(5))
        #expect(evict() == [1])
        clock.advance(by: .seconds(60))
        #expect(evict() == [0], "it is not told twice")
    }

    @Test mutating func payloadGivesAConnectionNewLife() {
        connect(1)
        for second in 1...20 {
            clock.advance(by: .seconds(100))
            report(0, moved: UInt64(second))
            #expect(evict() == [])
        }
        // The same figure again is no payload.
        clock.advance(by: .seconds(100))
        report(0, moved: 20)
        clock.advance(by: .seconds(80))
        #expect(evict() == [0])
    }

    @Test mutating func whoMayWaitForAnUnchokeIsGivenLonger() {
        connect(2)
        report(0, mayWait: true)
        report(1)
        clock.advance(by: .seconds(599))
        #expect(evict() == [1])
        clock.advance(by: .seconds(60))
        #expect(evict() == [0])
    }

    @Test mutating func nobodyOfWhomNothingWasReportedIsTakenForQuiet() {
        connect(1)
        clock.advance(by: .seconds(599))
        #expect(evict() == [])
    }

    @Test mutating func whoCanOnlyBeQuietYieldsBeforeWhoMayWait() {
        connect(2)
        report(0, mayWait: true)
        report(1)
        clock.advance(by: .seconds(420))
        report(1, moved: 1)
        clock.advance(by: .seconds(180))
        #expect(evict() == [1])
    }

    @Test mutating func fewYieldAtATimeAndNotMoreThanAreWanted() {
        connect(300)
        for peer in 0..<300 { report(peer) }
        clock.advance(by: .seconds(180))
        #expect(evict() == [0, 1, 2, 3])
        clock.advance(by: .seconds(59))
        #expect(evict() == [])
        clock.advance(by: .seconds(1))
        #expect(evict(0) == [])
        #expect(evict(2) == [4, 5])
    }

    @Test mutating func closedConnectionsAreForgotten() {
        connect(1)
        report(0)
        clock.advance(by: .seconds(3600))
        peers.closed(key(0))
        report(0)
        #expect(evict() == [])
    }
}
