package import BitTorrent
import CLinux
import Glibc
package import PoolProtocol

/// The loop of every process of the pool: epoll over libzmq's sockets and other descriptors, and one timer. Runs
/// handlers on its own thread only. What it costs to wait does not grow with the number of descriptors.
package final class PollLoop {
    /// What has happened to a descriptor.
    package struct Readiness: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let readable = Readiness(rawValue: EPOLLIN.rawValue)
        package static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
        /// An error, or the other side is gone; reported whether it was asked for or not.
        package static let over = Readiness(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)
    }

    /// Names one watch for as long as the loop lives; a place that is used again has another name.
    package struct WatchID: Hashable, Sendable {
        fileprivate let place: UInt32
        fileprivate let use: UInt32
        fileprivate var word: UInt64 { UInt64(use) << 32 | UInt64(place) }
    }

    private struct Watch {
        let identifier: WatchID
        let descriptor: CInt
        let handler: (Readiness) -> Void
    }

    /// Events taken from the kernel in a turn; those beyond it come first in the next.
    private static let eventLimit = 64

    private let epoll: OwnedDescriptor
    private var watches: [Watch?] = []
    private var unused: [UInt32] = []
    private var useCount: UInt32 = 0
    private struct SocketWatch {
        let socket: ZMQSocket
        let handler: () -> Void
        /// In this turn.
        var hasUnseenMessages = false
    }
    private var sockets: [SocketWatch] = []
    private var isRunning = false
    private var events = [epoll_event](repeating: epoll_event(), count: eventLimit)

    /// The next moment at which `timerFired` is due.
    package var nextDeadline: () -> MonotonicInstant = { .distantFuture }
    package var timerFired: (MonotonicInstant) -> Void = { _ in }
    package var turnBegan: (MonotonicInstant) -> Void = { _ in }
    /// Before each handler: for the status page, so it must cost next to nothing (a look at the clock and a store).
    package var handlerBegan: (LoopHandler) -> Void = { _ in }
    /// After all handlers of a turn: the place to send what they produced.
    package var turnEnded: () -> Void = {}
    /// Set by a handler that stopped early with more to do: the loop does not wait before the next turn.
    package var mustNotWait = false

    package init() throws(SystemCallError) {
        let descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemCallError("epoll_create1", errno) }
        epoll = OwnedDescriptor(descriptor)
    }

    // MARK: Watches

    /// Calls `handler` in each turn in which the socket may have messages. The socket is watched for good.
    package func watch(_ socket: ZMQSocket, _ handler: @escaping () -> Void) throws(SystemCallError) {
        // The descriptor tells only that libzmq has something to look at, and a send may look at it as well; so the
        // socket itself is asked before each wait (`hasUnseenMessages`).
        try watch(descriptor: try socket.descriptor) { _ in handler() }
        sockets.append(SocketWatch(socket: socket, handler: handler))
    }

    /// Calls `handler` with what has happened, in each turn in which something of `interest` has.
    @discardableResult
    package func watch(
        descriptor: CInt, for interest: Readiness = .readable, _ handler: @escaping (Readiness) -> Void
    ) throws(SystemCallError) -> WatchID {
        useCount &+= 1
        let identifier = WatchID(place: unused.last ?? UInt32(watches.count), use: useCount)
        try control(EPOLL_CTL_ADD, descriptor, interest, identifier)
        let watch = Watch(identifier: identifier, descriptor: descriptor, handler: handler)
        if unused.popLast() == nil { watches.append(watch) } else { watches[Int(identifier.place)] = watch }
        return identifier
    }

    /// From now on the handler is called for `interest` alone; nothing happens if the watch has ended.
    package func change(_ identifier: WatchID, to interest: Readiness) {
        guard let watch = find(identifier.word) else { return }
        // It fails only for a descriptor that was closed under our feet, and that is not watched any more.
        try? control(EPOLL_CTL_MOD, watch.descriptor, interest, identifier)
    }

    /// To be called before the descriptor is closed.
    package func unwatch(_ identifier: WatchID) {
        guard let watch = find(identifier.word) else { return }
        try? control(EPOLL_CTL_DEL, watch.descriptor, [], identifier)
        watches[Int(identifier.place)] = nil
        unused.append(identifier.place)
    }

    private func find(_ word: UInt64) -> Watch? {
        let place = Int(truncatingIfNeeded: word & 0xFFFF_FFFF)
        guard place < watches.count, let watch = watches[place], watch.identifier.word == word else { return nil }
        return watch
    }

    private func control(
        _ operation: CInt, _ descriptor: CInt, _ interest: Readiness, _ identifier: WatchID
    ) throws(SystemCallError) {
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: identifier.word))
        guard epoll_ctl(epoll.rawValue, operation, descriptor, &event) == 0 else {
            throw SystemCallError("epoll_ctl", errno)
        }
    }

    // MARK: Turns

    package func stop() { isRunning = false }

    /// Runs until `stop()`.
    package func run() throws(SystemCallError) {
        isRunning = true
        while isRunning { try turn() }
    }

    /// Waits for events, or not longer than `longestWait` milliseconds, and lets the handlers see to them.
    package func turn(longestWait: Int = .max) throws(SystemCallError) {
        var wait = CInt(clamping: min(timeout() ?? .max, longestWait))
        for index in sockets.indices {
            sockets[index].hasUnseenMessages = sockets[index].socket.hasUnseenMessages
            if sockets[index].hasUnseenMessages { wait = 0 }
        }
        let count = epoll_wait(epoll.rawValue, &events, CInt(Self.eventLimit), wait == .max ? -1 : wait)
        if count < 0 && errno != EINTR { throw SystemCallError("epoll_wait", errno) }
        let now = MonotonicClock.now
        turnBegan(now)
        mustNotWait = false
        for index in sockets.indices where sockets[index].hasUnseenMessages {
            handlerBegan(.neighbours)
            sockets[index].handler()
        }
        for index in 0..<max(0, Int(count)) {
            // A handler may end watches, also ones whose events were taken already.
            guard let watch = find(events[index].data.u64) else { continue }
            handlerBegan(.descriptor)
            watch.handler(Readiness(rawValue: events[index].events))
        }
        if now >= nextDeadline() {
            handlerBegan(.timer)
            timerFired(now)
        }
        handlerBegan(.turnEnd)
        turnEnded()
    }

    /// Milliseconds that the loop may wait, rounded up so that it does not wake a moment too early; nil: for ever.
    private func timeout() -> Int? {
        if mustNotWait { return 0 }
        let deadline = nextDeadline()
        if deadline == .distantFuture { return nil }
        let wait = (deadline - MonotonicClock.now).wholeNanoseconds
        return wait <= 0 ? 0 : Int((wait + 999_999) / 1_000_000)
    }
}
