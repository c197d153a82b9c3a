import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

struct DebtsTests {
    private static let debtor = Incarnation(Place(.hashWorker, 0), generation: 2)

    @Test(arguments: [(Debt.Kind.hello, 20), (.ready, 10), (.replacementSeen, 10)])
    func answerIsOverdueAfterItsLimit(kind: Debt.Kind, limit: Int) {
        var clock = FakeClock()
        var debts = Debts(now: clock.now)
        let debt = Debt(debtor: Self.debtor, kind: kind)
        #expect(debts.overdue([debt], now: clock.now) == [])
        for _ in 1..<limit {
            clock.advance(by: .seconds(1))
            #expect(debts.overdue([debt], now: clock.now) == [])
        }
        clock.advance(by: .seconds(1))
        #expect(debts.overdue([debt], now: clock.now) == [debt])
    }

    @Test func paidDebtIsForgotten() {
        var clock = FakeClock()
        var debts = Debts(now: clock.now)
        let debt = Debt(debtor: Self.debtor, kind: .ready)
        for _ in 0..<5 {
            for _ in 0..<9 {
                #expect(debts.overdue([debt], now: clock.now) == [])
                clock.advance(by: .seconds(1))
            }
            #expect(debts.overdue([], now: clock.now) == [])
        }
    }

    /// The whole group was stopped for an hour.
    @Test func ourOwnStandstillCountsForLittle() {
        var clock = FakeClock()
        var debts = Debts(now: clock.now)
        let debt = Debt(debtor: Self.debtor, kind: .ready)
        #expect(debts.overdue([debt], now: clock.now) == [])
        clock.advance(by: .seconds(3600))
        #expect(debts.overdue([debt], now: clock.now) == [])
        for _ in 0..<7 {
            clock.advance(by: .seconds(1))
            #expect(debts.overdue([debt], now: clock.now) == [])
        }
        clock.advance(by: .seconds(1))
        #expect(debts.overdue([debt], now: clock.now) == [debt])
    }

    // MARK: The pool

    /// Seconds pass; a loop turns all the while and answers nothing.
    private func wait(_ pool: inout PoolConversation, seconds: Int) -> [PoolKeeper.Action] {
        (0..<seconds).flatMap { _ in pool.wait(.seconds(1)) }
    }

    @Test func neighbourThatNeverSeesAReplacementIsReplacedItself() throws {
        var pool = try PoolConversation.working()
        _ = pool.died(hash(0))
        _ = pool.seen(hash(0, 2), by: writer())
        #expect(wait(&pool, seconds: 11).contains { if case .kill(peer(0), _) = $0 { true } else { false } })
    }

    @Test func newcomerThatNeverJoinsIsReplaced() throws {
        var pool = try PoolConversation.working()
        _ = pool.died(peer(0))
        _ = pool.wait()
        _ = pool.hello(peer(0, 2))
        #expect(pool.seen(peer(0, 2), by: hash(0)).contains(.join(peer(0, 2), incumbents: [hash(0)])))
        #expect(wait(&pool, seconds: 11).contains { if case .kill(peer(0, 2), _) = $0 { true } else { false } })
    }

    @Test func whoNeverSaysHelloIsReplaced() throws {
        var pool = try PoolConversation.working()
        _ = pool.died(writer())
        _ = pool.wait()
        #expect(!wait(&pool, seconds: 15).contains { if case .kill(writer(2), _) = $0 { true } else { false } })
        #expect(wait(&pool, seconds: 6).contains { if case .kill(writer(2), _) = $0 { true } else { false } })
    }
}
