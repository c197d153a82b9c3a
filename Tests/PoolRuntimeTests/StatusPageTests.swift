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
        writer.handles(.orders)
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
