import BitTorrent
import Testing

@Suite struct PeerPlacementTests {
    @Test func fourHundredPeersSpreadEvenlyOverEightWorkers() {
        var placement = PeerPlacement()
        for worker in 0..<8 { placement.workerReady(worker, capacity: 60) }
        var counts = [Int](repeating: 0, count: 8)
        for _ in 0..<400 { counts[placement.next { counts[$0] }!] += 1 }
        #expect(counts == [Int](repeating: 50, count: 8))
        #expect(placement.room { counts[$0] } == 80)
    }

    @Test func workerWithVisitorsGetsFewerPeers() {
        var placement = PeerPlacement()
        for worker in 0..<2 { placement.workerReady(worker, capacity: 10) }
        var counts = [5, 0]
        for _ in 0..<5 { counts[placement.next { counts[$0] }!] += 1 }
        #expect(counts == [5, 5])
        #expect(placement.next { counts[$0] } == 0)
    }

    @Test func fullDrainingAndDeadWorkersGetNothing() {
        var placement = PeerPlacement()
        #expect(placement.next { _ in 0 } == nil)
        placement.workerReady(0, capacity: 1)
        placement.workerReady(1, capacity: 5)
        #expect(placement.next { [1, 4][$0] } == 1)
        #expect(placement.next { [1, 5][$0] } == nil)
        placement.workerDrains(1)
        #expect(placement.next { [1, 0][$0] } == nil)
        #expect(placement.room { [1, 0][$0] } == 0)
        placement.workerReady(1, capacity: 5)
        #expect(placement.next { [1, 0][$0] } == 1)
        placement.workerGone(1)
        #expect(placement.next { [1, 0][$0] } == nil)
        // A worker that holds more than it may (visitors) takes no room from the others.
        placement.workerReady(1, capacity: 5)
        #expect(placement.room { [3, 2][$0] } == 3)
    }
}
