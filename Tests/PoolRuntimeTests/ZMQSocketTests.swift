import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import PoolRuntime
import Testing

@Suite struct ZMQSocketTests {
    /// Two routers that know each other by name, as two neighbours of the pool do.
    private final class Pair {
        let directory: String
        let context: ZMQContext
        let incumbent: ZMQSocket
        let newcomer: ZMQSocket
        let listener: CInt

        init(highWaterMark: Int32 = 100) throws {
            var template = Array("/tmp/swarmkeeper-test-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp", errno) }
            directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            context = try ZMQContext()
            let path = "\(directory)/h0.sock"
            listener = try checked("bind", clinux_listen_unix(path))
            incumbent = try ZMQSocket(
                context, .router, routingID: Array("h0.1".utf8), maximumMessageByteCount: 1024,
                highWaterMark: highWaterMark)
            try incumbent.adoptListener(dup(listener), path: path)
            newcomer = try ZMQSocket(
                context, .router, routingID: Array("p0.1".utf8), maximumMessageByteCount: 1024,
                highWaterMark: highWaterMark)
            try newcomer.connect(path: path, as: Array("h0.1".utf8))
        }

        deinit {
            close(listener)
            unlink("\(directory)/h0.sock")
            rmdir(directory)
        }

        /// Waits for messages, up to ten seconds.
        static func receive(_ socket: ZMQSocket, count: Int) -> [(sender: [UInt8], payload: [UInt8])] {
            var messages: [(sender: [UInt8], payload: [UInt8])] = []
            let deadline = MonotonicClock.now + .seconds(10)
            while messages.count < count, MonotonicClock.now < deadline {
                _ = socket.receive(limit: 100) { messages.append(([UInt8]($0), [UInt8]($1))) }
                sched_yield()
            }
            return messages
        }
    }

    /// Of all that it waits for, only that it ends can be seen from outside.
    @Test func reaperThatIsAwaitedComesToWork() throws {
        let pair = try Pair()
        let start = MonotonicClock.now
        try pair.context.awaitReaper()
        #expect(MonotonicClock.now - start < .seconds(10))
    }

    @Test func messageArrivesWithTheNameOfItsSender() throws {
        let pair = try Pair()
        #expect(pair.newcomer.send([1, 2, 3], to: Array("h0.1".utf8)) == .sent)
        let messages = Pair.receive(pair.incumbent, count: 1)
        #expect(messages.map(\.payload) == [[1, 2, 3]])
        #expect(messages.map(\.sender) == [Array("p0.1".utf8)])
        #expect(pair.incumbent.send([4], to: Array("p0.1".utf8)) == .sent)
        #expect(Pair.receive(pair.newcomer, count: 1).map(\.payload) == [[4]])
    }

    @Test func unknownReceiverIsUnreachableAndNotSilence() throws {
        let pair = try Pair()
        #expect(pair.newcomer.send([1], to: Array("h9.1".utf8)) == .unreachable)
    }

    @Test func whatAFullQueueDoesNotTakeWaitsInItsOrder() throws {
        let pair = try Pair(highWaterMark: 4)
        let receiver = Array("h0.1".utf8)
        let count = 5000
        var outbox = Outbox()
        for number in 0..<count {
            outbox.append(frame: [UInt8(number & 255), UInt8(number >> 8)] + [UInt8](repeating: 0, count: 998))
        }
        let isReachable = outbox.flush(into: pair.newcomer, to: receiver)
        #expect(isReachable)
        #expect(outbox.waitingFrameCount > 0, "a queue of four messages took \(count)")
        #expect(outbox.mustLeave(now: .distantPast) && outbox.due == .distantFuture, "a retry is no reason to spin")
        var numbers: [Int] = []
        let deadline = MonotonicClock.now + .seconds(60)
        while numbers.count < count, MonotonicClock.now < deadline {
            _ = pair.incumbent.receive(limit: 100) { _, payload in
                numbers.append(Int(payload[0]) | Int(payload[1]) << 8)
            }
            _ = outbox.flush(into: pair.newcomer, to: receiver)
        }
        #expect(numbers == Array(0..<count))
    }

    @Test func boxForAGoneReceiverIsEmptied() throws {
        let pair = try Pair()
        var outbox = Outbox()
        outbox.append(PeerWorkerToHashWorker.blocksArrived([]))
        let isReachable = outbox.flush(into: pair.newcomer, to: Array("h9.1".utf8))
        #expect(!isReachable)
        #expect(outbox.isEmpty)
    }

    @Test func whatMayWaitLeavesWithTheNextThatMayNot() throws {
        let pair = try Pair()
        let soon = MonotonicInstant(nanoseconds: 5), later = MonotonicInstant(nanoseconds: 7)
        let message = PeerWorkerToHashWorker.blocksArrived([])
        var outbox = Outbox()
        #expect(outbox.due == .distantFuture)
        outbox.append(message, by: later)
        outbox.append(message, by: soon)
        #expect(outbox.due == soon && outbox.mustLeave(now: soon) && !outbox.mustLeave(now: .distantPast))
        outbox.append(message, by: later)
        #expect(outbox.due == soon)
        outbox.append(message)
        #expect(outbox.due == .distantPast && outbox.mustLeave(now: .distantPast))
        _ = outbox.flush(into: pair.newcomer, to: Array("h0.1".utf8))
        #expect(outbox.due == .distantFuture && outbox.sentFrameCount == 1)
    }

    @Test func batchesKeepTheirOrderAndTheirBound() throws {
        let pair = try Pair(highWaterMark: 4096)
        var outbox = Outbox()
        let message = PeerWorkerToHashWorker.blocksArrived([
            BlockReference(assignment: 9, block: 1, byteCount: 2, slot: 3, lease: 4, peer: 5)
        ])
        for _ in 0..<10 { outbox.append(message) }
        let isReachable = outbox.flush(into: pair.newcomer, to: Array("h0.1".utf8))
        #expect(isReachable)
        #expect(outbox.isEmpty && outbox.sentFrameCount == 1)
        let frames = Pair.receive(pair.incumbent, count: 1)
        var decoded: [PeerWorkerToHashWorker] = []
        try frames[0].payload.withUnsafeBytes { try PeerWorkerToHashWorker.decodeAll($0) { decoded.append($0) } }
        #expect(decoded == Array(repeating: message, count: 10))
    }
}
