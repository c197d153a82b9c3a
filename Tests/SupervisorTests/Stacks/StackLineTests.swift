import Testing

@testable import Supervisor

struct StackLineTests {
    private static let loop = [
        "closure #5 () -> () in PoolRuntime.WorkerLoop.run() -> Swift.Never",
        "PoolRuntime.PollLoop.turn(longestWait: Swift.Int)",
        "PeerWorker_main",
    ]

    private func isLoopAlone(inside functions: [String], libraries: [String] = []) -> Bool {
        let ours = (functions + Self.loop).map { StackLine(function: $0, file: nil, address: 0) }
        return StackLine.isLoopAlone(libraries.map { StackLine(function: $0, file: "libc.so.6", address: 0) } + ours)
    }

    @Test func aLoopBetweenTwoHandlersIsAlone() {
        #expect(isLoopAlone(inside: []))
        #expect(isLoopAlone(inside: [], libraries: ["epoll_wait"]))
        #expect(
            isLoopAlone(inside: ["PoolRuntime.WorkerLoop.(flush in _C6498)() -> ()"], libraries: ["Swift.Array.count"]))
        #expect(
            isLoopAlone(inside: [
                "static BitTorrent.MonotonicInstant.- infix(BitTorrent.MonotonicInstant) -> Swift.Duration"
            ]))
    }

    @Test func aHandlerIsNot() {
        #expect(!isLoopAlone(inside: ["SelfTest.Busy.mix() -> ()"]))
        #expect(
            !isLoopAlone(inside: ["closure #1 () -> () in PeerWorker.Session.read(from: PoolRuntime.PollLoop) -> ()"]))
        #expect(!isLoopAlone(inside: ["static BitTorrent.MonotonicClock.now.getter", "Writer.Journal.append() -> ()"]))
        #expect(!isLoopAlone(inside: ["clinux_read"]))
    }

    @Test func whereThereIsNoLoopNothingIsAlone() {
        #expect(!StackLine.isLoopAlone([]))
        #expect(!StackLine.isLoopAlone([StackLine(function: "epoll_wait", file: "libc.so.6", address: 0)]))
    }
}
