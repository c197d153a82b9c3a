import Testing

@testable import Supervisor

@Suite struct GrantTurnsTests {
    @Test func whoHasWaitedLongestComesFirst() {
        var turns = GrantTurns()
        #expect(turns.ordered([2, 0, 1], last: nil) == [0, 1, 2])
        turns.granted(to: 0)
        #expect(turns.ordered([0, 1, 2], last: nil) == [1, 2, 0])
        turns.granted(to: 1)
        turns.granted(to: 0)
        #expect(turns.ordered([0, 1, 2], last: nil) == [2, 1, 0])
    }

    @Test func whoHasJustReturnedSomethingComesLast() {
        var turns = GrantTurns()
        turns.granted(to: 1)
        #expect(turns.ordered([0, 1], last: 0) == [1, 0])
    }

    @Test func aSuccessorBeginsAnew() {
        var turns = GrantTurns()
        turns.granted(to: 0)
        turns.granted(to: 1)
        turns.left(1)
        #expect(turns.ordered([0, 1], last: nil) == [1, 0])
    }
}
