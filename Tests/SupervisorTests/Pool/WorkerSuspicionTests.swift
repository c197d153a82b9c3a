import PoolProtocol
@testable import Supervisor
import Testing

@Suite struct WorkerSuspicionTests {
    private func ban(_ peers: some Sequence<UInt32>, through worker: UInt16, _ suspicion: inout WorkerSuspicion)
        -> [Bool]
    {
        peers.map { suspicion.peerBanned(Contributor(worker: worker, peer: $0)) }
    }

    @Test func workerBehindFiveLiarsGoes() {
        var suspicion = WorkerSuspicion()
        let verdicts = ban(1...5, through: 0, &suspicion)
        #expect(verdicts == [false, false, false, false, true])
    }

    @Test func onePeerThatLiesOftenIsNoSignOfItsWorker() {
        var suspicion = WorkerSuspicion()
        let verdicts = ban([1, 1, 1, 1, 1, 1, 2, 2], through: 0, &suspicion)
        #expect(!verdicts.contains(true))
    }

    @Test func liarsBehindAllWorkersBlameNone() {
        var suspicion = WorkerSuspicion()
        for peer in UInt32(0)..<60 {
            let mustGo = suspicion.peerBanned(Contributor(worker: UInt16(peer % 3), peer: peer))
            #expect(!mustGo)
        }
    }

    @Test func successorBeginsWithoutBlame() {
        var suspicion = WorkerSuspicion()
        _ = ban(1...5, through: 1, &suspicion)
        let wasLiar = suspicion.replaced(1)
        let wasLiarAgain = suspicion.replaced(1)
        #expect(wasLiar && !wasLiarAgain)
        let verdicts = ban(6...9, through: 1, &suspicion)
        #expect(verdicts == [false, false, false, false])
    }
}
