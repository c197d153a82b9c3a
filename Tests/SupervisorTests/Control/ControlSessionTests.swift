import BitTorrent
import TestSupport
import Testing

@testable import Supervisor

@Suite struct ControlSessionTests {
    private let now = FakeClock().now

    private func session(_ text: String) -> ControlSession {
        var session = ControlSession(now: now)
        session.received(Array(text.utf8), now: now)
        return session
    }

    private func line(_ text: String) -> ControlSession.Request { .line(Array(text.utf8)) }

    @Test func linesComeOneAtATimeEachAfterTheAnswerBefore() {
        var session = session("ps\nstats\nwh")
        #expect(session.nextRequest() == line("ps"))
        session.answer(Array("ok\n".utf8), isLast: false, now: now)
        #expect(!session.hasRequest && session.nextRequest() == nil, "the answer has not left")
        #expect(!session.wantsInput)
        session.sent(2, now: now)
        #expect(Array(session.output) == Array("\n".utf8))
        session.sent(1, now: now)
        #expect(session.nextRequest() == line("stats"))
        #expect(session.nextRequest() == nil)
        #expect(session.wantsInput, "nothing waits, and the third line is not whole")
        session.received(Array("ere s\n".utf8), now: now)
        #expect(session.nextRequest() == line("where s"))
    }

    @Test func bytesMayComeOneByOne() {
        var session = ControlSession(now: now)
        for byte in "ps\n".utf8 {
            #expect(!session.hasRequest)
            session.received([byte], now: now)
        }
        #expect(session.nextRequest() == line("ps"))
    }

    @Test func aLineWithoutEndIsAnErrorAndIsNotKept() {
        var session = ControlSession(now: now)
        session.received([UInt8](repeating: 65, count: ControlSession.longestLine), now: now)
        #expect(!session.hasRequest)
        session.received([65], now: now)
        #expect(session.nextRequest() == .lineTooLong)
        for _ in 0..<1000 {
            #expect(session.wantsInput && !session.hasRequest)
            session.received([UInt8](repeating: 65, count: 4096), now: now)
        }
        session.received(Array("A\nps\n".utf8), now: now)
        #expect(session.nextRequest() == line("ps"), "the line after it is a line again")
    }

    @Test func aLongLineThatComesAtOnceIsOneError() {
        var session = session(String(repeating: "a", count: 2000) + "\nps\n")
        #expect(session.nextRequest() == .lineTooLong)
        #expect(session.nextRequest() == line("ps"))
    }

    @Test func theEndOfInputEndsTheLastLineAndThenTheSession() {
        var session = session("ps")
        #expect(!session.hasRequest)
        session.inputEnded(now: now)
        #expect(!session.isOver)
        #expect(session.nextRequest() == line("ps"))
        session.answer(Array("ok\n".utf8), isLast: false, now: now)
        #expect(!session.isOver, "the answer is still to be read")
        session.sent(3, now: now)
        #expect(session.isOver)
    }

    @Test func aClientThatSaysNothingIsOverWhenItLeaves() {
        var session = ControlSession(now: now)
        #expect(!session.isOver && session.deadline == .distantFuture)
        session.inputEnded(now: now)
        #expect(session.isOver)
    }

    @Test func afterTheLastAnswerNothingIsRead() {
        var session = session("quit\nps\n")
        _ = session.nextRequest()
        session.answer(Array("ok\n".utf8), isLast: true, now: now)
        #expect(!session.hasRequest && !session.wantsInput && !session.isOver)
        session.sent(3, now: now)
        #expect(session.isOver && session.nextRequest() == nil)
    }

    @Test func whoNeverReadsIsDroppedTenSecondsAfterTheLastByte() {
        var session = session("ps\n")
        _ = session.nextRequest()
        session.answer([UInt8](repeating: 65, count: 100), isLast: false, now: now)
        #expect(session.deadline == now + PendingOutput.patience)
        session.sent(50, now: now + .seconds(5))
        #expect(session.deadline == now + .seconds(5) + PendingOutput.patience)
        session.sent(50, now: now + .seconds(6))
        #expect(session.deadline == .distantFuture)
    }
}

@Suite struct AnswerPaceTests {
    @Test func cheapAnswersAreGivenAtOnce() {
        let clock = FakeClock()
        var pace = AnswerPace(share: 20, now: clock.now)
        for _ in 0..<100 { pace.spent(.microseconds(50), now: clock.now) }
        #expect(pace.nextAllowed <= clock.now)
    }

    @Test func whoAsksWithoutEndGetsATwentiethOfTheTime() {
        var clock = FakeClock()
        var pace = AnswerPace(share: 20, now: clock.now)
        let start = clock.now
        var spent: Duration = .zero
        while clock.now - start < .seconds(10) {
            if pace.nextAllowed <= clock.now {
                clock.advance(by: .milliseconds(2))
                spent += .milliseconds(2)
                pace.spent(.milliseconds(2), now: clock.now)
            } else {
                clock.advance(by: max(.microseconds(1), pace.nextAllowed - clock.now))
            }
        }
        #expect(spent >= .milliseconds(450) && spent <= .milliseconds(530))
    }

    @Test func aDebtIsForgottenWithTime() {
        var clock = FakeClock()
        var pace = AnswerPace(share: 20, now: clock.now)
        pace.spent(.milliseconds(100), now: clock.now)
        #expect(pace.nextAllowed == clock.now + .milliseconds(1800))
        clock.advance(by: .seconds(60))
        pace.spent(.milliseconds(1), now: clock.now)
        #expect(pace.nextAllowed <= clock.now)
    }
}
