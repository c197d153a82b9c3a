import BitTorrent
import PoolProtocol
import Testing

@testable import PoolRuntime

@Suite struct StatusPageTests {
    @Test func theReaderSeesWhatTheLoopDoesAndHowLongItsTurnsTook() throws {
        let (writer, reader) = try StatusPageWriter.makeOwn()
        #expect(reader.turnStarted == nil && reader.turnEnded == nil && reader.handler == .none)
        let start = MonotonicInstant(nanoseconds: 5_000_000_000)
        writer.turnBegan(now: start)
        writer.handles(.orders, now: start)
        #expect(reader.turn == 1 && reader.turnStarted == start && reader.handler == .orders)
        writer.turnEnded(now: start + .milliseconds(3))
        #expect(reader.turnStarted == nil && reader.handler == .none)
        #expect(reader.turnEnded == start + .milliseconds(3))
        #expect(reader.turnTimes.count == 1 && reader.turnTimes.longest == .milliseconds(3))
        writer.turnBegan(now: start + .seconds(1))
        writer.turnEnded(now: start + .milliseconds(1001))
        #expect(reader.turnTimes.count == 2 && reader.turnTimes.longest == .milliseconds(3))
        #expect(reader.syncTimes.count == 0)
        writer.synced(.milliseconds(20))
        #expect(reader.syncTimes.count == 1 && reader.syncTimes.mean == .milliseconds(20))
        #expect(reader.turnTimes.count == 2)
    }

    @Test func aHandlerThatTakesLongIsCountedByItsKind() throws {
        let (writer, reader) = try StatusPageWriter.makeOwn(slowLimit: .milliseconds(100))
        let start = MonotonicInstant(nanoseconds: 5_000_000_000)
        func turn(at now: MonotonicInstant, _ handlers: [(LoopHandler, Duration)]) -> MonotonicInstant {
            var now = now
            writer.turnBegan(now: now)
            for (handler, duration) in handlers {
                writer.handles(handler, now: now)
                now = now + duration
            }
            writer.turnEnded(now: now)
            return now
        }
        let end = turn(
            at: start, [(.descriptor, .milliseconds(99)), (.orders, .milliseconds(100)), (.turnEnd, .milliseconds(2))])
        #expect(reader.slowHandlers == [SlowHandler(.orders, count: 1, longest: .milliseconds(100))])
        // The wait between two turns is nobody's.
        _ = turn(
            at: end + .seconds(100),
            [(.timer, .seconds(2)), (.orders, .milliseconds(300)), (.timer, .seconds(1)), (.turnEnd, .seconds(3))])
        #expect(
            reader.slowHandlers == [
                SlowHandler(.orders, count: 2, longest: .milliseconds(300)),
                SlowHandler(.timer, count: 2, longest: .seconds(2)),
                SlowHandler(.turnEnd, count: 1, longest: .seconds(3)),
            ])
    }

    @Test func turnsInWhichSomethingMovesAreUseful() throws {
        let (writer, reader) = try StatusPageWriter.makeOwn()
        var now = MonotonicInstant(nanoseconds: 5_000_000_000)
        func turn(_ body: () -> Void) {
            writer.turnBegan(now: now)
            body()
            now = now + .milliseconds(3)
            writer.turnEnded(now: now)
        }
        turn { writer.moved(byteCount: 16384) }
        #expect(reader.usefulTime == .milliseconds(3) && reader.progress == 16384)
        turn { writer.worked() }
        #expect(reader.usefulTime == .milliseconds(6) && reader.progress == 16384)
        turn {}
        turn { writer.moved(byteCount: 0) }
        #expect(reader.usefulTime == .milliseconds(6))
    }

    @Test func theLoopTellsWhichKindOfHandlerRuns() throws {
        let poll = try PollLoop()
        var handlers: [LoopHandler] = []
        poll.handlerBegan = { handlers.append($0) }
        let event = try EventDescriptor()
        try poll.watch(descriptor: event.rawValue) { _ in event.clear() }
        event.signal()
        poll.nextDeadline = { .distantPast }
        try poll.turn(longestWait: 0)
        #expect(handlers == [.descriptor, .timer, .turnEnd])
    }
}
