import BitTorrent
import PoolProtocol
import TestSupport
import Testing

/// One end of a connection and its looks, a heartbeat apart.
private struct End {
    static let neighbour = Incarnation(Place(.hashWorker, 0), generation: 1)
    var clock = FakeClock()
    var edges = EdgeWatch(heartbeat: .seconds(1))

    mutating func look(
        after wait: Duration = .seconds(1), at current: Set<Incarnation> = [neighbour]
    ) -> [EdgeWatch.Fault] {
        clock.advance(by: wait)
        return edges.look(at: current, now: clock.now).map(\.fault)
    }

    /// The neighbour sends frames and then a probe.
    mutating func receive(_ frameCount: Int = 0, probe: UInt64) {
        for _ in 0..<frameCount + 1 { edges.frameReceived(from: Self.neighbour) }
        edges.probeReceived(from: Self.neighbour, framesBefore: probe)
    }
}

struct EdgeWatchTests {
    @Test func connectionThatCarriesEverythingIsSound() {
        var end = End()
        var sent: UInt64 = 0
        for beat in 0..<20 {
            end.receive(beat % 4, probe: sent + UInt64(beat % 4))
            sent += UInt64(beat % 4) + 1
            #expect(end.look() == [])
        }
    }

    @Test func lostFrameIsFoundAtTheNextProbe() {
        var end = End()
        end.receive(3, probe: 3)
        #expect(end.look() == [])
        end.receive(1, probe: 6)
        #expect(end.look() == [.lostFrames])
    }

    @Test func quietNeighbourIsToldAfterSixBeats() {
        var end = End()
        #expect(end.look() == [])
        for _ in 0..<5 { #expect(end.look() == []) }
        #expect(end.look() == [.quiet])
    }

    @Test func anyFrameIsASignOfLife() {
        var end = End()
        for _ in 0..<20 {
            #expect(end.look() == [])
            end.edges.frameReceived(from: End.neighbour)
        }
    }

    /// A death breaks the connection first, and then the supervisor tells of it.
    @Test func brokenConnectionOfAReplacedNeighbourIsForgotten() {
        var end = End()
        #expect(end.look() == [])
        end.edges.broke(End.neighbour)
        for _ in 0..<5 { #expect(end.look() == []) }
        #expect(end.look(at: []) == [])
        let successor = Incarnation(Place(.hashWorker, 0), generation: 2)
        for _ in 0..<5 { #expect(end.look(at: [successor]) == []) }
    }

    @Test func brokenConnectionOfALivingNeighbourIsTold() {
        var end = End()
        #expect(end.look() == [])
        end.edges.broke(End.neighbour)
        for _ in 0..<5 {
            end.edges.frameReceived(from: End.neighbour)
            #expect(end.look() == [])
        }
        end.edges.frameReceived(from: End.neighbour)
        #expect(end.look() == [.broken])
    }

    /// All of us stood still for a minute: the neighbour has its six beats anew, or nearly.
    @Test func ourOwnStandstillIsNotHeldAgainstTheNeighbour() {
        var end = End()
        #expect(end.look() == [])
        #expect(end.look(after: .seconds(60)) == [])
        for _ in 0..<3 { #expect(end.look() == []) }
        end.receive(probe: 0)
        for _ in 0..<5 { #expect(end.look() == []) }
    }
}

struct ControlEdgeTests {
    @Test func ordersAndNewsThatArriveAreSound() {
        var edge = ControlEdge()
        for count in UInt64(0)..<20 {
            let isBroken = edge.isBroken(
                sentOrders: count * 3, receivedOrders: count * 3, sentNews: count, receivedNews: count)
            #expect(!isBroken)
        }
    }

    /// What is on its way at one look has arrived at the next.
    @Test func whatIsOnItsWayIsNotLost() {
        var edge = ControlEdge()
        for count in UInt64(1)..<20 {
            let isBroken = edge.isBroken(
                sentOrders: count * 3, receivedOrders: count * 3 - 3, sentNews: count, receivedNews: count - 1)
            #expect(!isBroken)
        }
    }

    @Test(arguments: [true, false]) func lostFrameIsFoundAfterThreeLooks(isOrder: Bool) {
        var edge = ControlEdge()
        func look() -> Bool {
            edge.isBroken(
                sentOrders: 10, receivedOrders: isOrder ? 9 : 10, sentNews: 5, receivedNews: isOrder ? 5 : 4)
        }
        #expect(!look())
        #expect(!look())
        #expect(!look())
        #expect(look())
    }

    /// Ten seconds' worth waits for a receiver that has no time for more.
    @Test func backlogThatIsReadIsNotLost() {
        var edge = ControlEdge()
        for look in 0..<20 as Range<UInt64> {
            let isBroken = edge.isBroken(
                sentOrders: 0, receivedOrders: 0, sentNews: 1000 + 100 * look, receivedNews: 100 * look + 1)
            #expect(!isBroken)
        }
        // Then it stops.
        for look in 0..<3 {
            let isBroken = edge.isBroken(sentOrders: 0, receivedOrders: 0, sentNews: 9000, receivedNews: 1901)
            #expect(isBroken == (look == 2))
        }
    }

    @Test func slowReaderThatComesForwardIsNotBlamedOnceItHasRead() {
        var edge = ControlEdge()
        for read in [UInt64(0), 10, 20, 100, 110] {
            let isBroken = edge.isBroken(sentOrders: 100 + read, receivedOrders: read, sentNews: 0, receivedNews: 0)
            #expect(!isBroken)
        }
    }
}
