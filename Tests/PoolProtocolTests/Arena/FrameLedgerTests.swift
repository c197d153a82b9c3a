import PoolProtocol
import Testing

struct FrameLedgerTests {
    @Test func framesAreTakenAllOrNone() {
        var ledger = FrameLedger(frameCount: 5)
        #expect(ledger.take(3)?.count == 3)
        #expect(ledger.take(3) == nil)
        #expect(ledger.freeCount == 2)
        #expect(ledger.take(2)?.count == 2)
        #expect(ledger.take(0) == [])
        #expect(ledger.take(1) == nil)
    }

    @Test func hotFramesAreTakenFirst() {
        var ledger = FrameLedger(frameCount: 8)
        let first = ledger.take(2)!, second = ledger.take(2)!
        #expect(first == [0, 1] && second == [2, 3])
        ledger.free(second)
        ledger.free(first)
        #expect(ledger.take(4) == [0, 1, 2, 3])
    }

    @Test func successorStartsWithWhatWasTaken() {
        var ledger = FrameLedger(frameCount: 6, taken: [1, 4])
        #expect(ledger.freeCount == 4)
        #expect(ledger.take(4) == [0, 2, 3, 5])
        ledger.free([1, 4])
        #expect(ledger.take(2) == [1, 4])
    }

    @Test func frameIsFreedOnce() async {
        await #expect(processExitsWith: .failure) {
            var ledger = FrameLedger(frameCount: 2)
            let frames = ledger.take(1)!
            ledger.free(frames)
            ledger.free(frames)
        }
    }
}
