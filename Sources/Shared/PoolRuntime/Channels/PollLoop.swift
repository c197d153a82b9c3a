package import BitTorrent
import CZeroMQ
import Glibc

/// The loop of the supervisor, of hash-workers, of the writer and of a peer-worker's message thread: `zmq_poll` over
/// sockets and descriptors, and one timer. Runs handlers on its own thread only.
package final class PollLoop {
    private struct Watch {
        let identifier: Int
        let socket: ZMQSocket?
        let descriptor: CInt
        let events: Int16
        let handler: (Int16) -> Void
    }

    private var watches: [Watch] = []
    private var items: [zmq_pollitem_t] = []
    private var nextIdentifier = 1
    private var isRunning = false
    private var watchesChanged = false

    /// The next moment at which `timerFired` is due.
    package var nextDeadline: () -> MonotonicInstant = { .distantFuture }
    package var timerFired: (MonotonicInstant) -> Void = { _ in }
    package var turnBegan: (MonotonicInstant) -> Void = { _ in }
    /// After all handlers of a turn: the place to send what they produced.
    package var turnEnded: () -> Void = {}
    /// Set by a handler that stopped early with more to do: the loop does not wait before the next turn.
    package var mustNotWait = false

    package init() {}

    /// Calls `handler` in each turn in which the socket has messages.
    @discardableResult
    package func watch(_ socket: ZMQSocket, _ handler: @escaping () -> Void) -> Int {
        add(
            Watch(identifier: nextIdentifier, socket: socket, descriptor: -1, events: Int16(ZMQ_POLLIN)) { _ in
                handler()
            })
    }

    /// Calls `handler` with the events that happened (`ZMQ_POLLIN`, `ZMQ_POLLOUT`, `ZMQ_POLLERR`).
    @discardableResult
    package func watch(
        descriptor: CInt, forWriting: Bool = false, _ handler: @escaping (Int16) -> Void
    ) -> Int {
        let events = Int16(forWriting ? ZMQ_POLLOUT : ZMQ_POLLIN) | Int16(ZMQ_POLLERR)
        return add(
            Watch(identifier: nextIdentifier, socket: nil, descriptor: descriptor, events: events, handler: handler))
    }

    private func add(_ watch: Watch) -> Int {
        watches.append(watch)
        nextIdentifier += 1
        watchesChanged = true
        return watch.identifier
    }

    package func unwatch(_ identifier: Int) {
        watches.removeAll { $0.identifier == identifier }
        watchesChanged = true
    }

    package func stop() { isRunning = false }

    /// Runs until `stop()`.
    package func run() throws(SystemCallError) {
        isRunning = true
        watchesChanged = true
        while isRunning {
            if watchesChanged {
                items = watches.map {
                    zmq_pollitem_t(socket: $0.socket?.handle, fd: $0.descriptor, events: $0.events, revents: 0)
                }
                watchesChanged = false
            }
            let ready = zmq_poll(&items, CInt(items.count), timeout())
            if ready < 0 && zmq_errno() != EINTR { throw SystemCallError("zmq_poll", zmq_errno()) }
            let now = MonotonicClock.now
            turnBegan(now)
            mustNotWait = false
            if ready > 0 {
                // A handler may add or remove watches; those removed in this turn are not called any more.
                let turn = zip(items, watches).filter { $0.0.revents != 0 }
                for (item, watch) in turn
                where !watchesChanged || watches.contains(where: { $0.identifier == watch.identifier }) {
                    watch.handler(item.revents)
                }
            }
            if now >= nextDeadline() { timerFired(now) }
            turnEnded()
        }
    }

    /// Milliseconds that the loop may wait, rounded up so that it does not wake a moment too early.
    private func timeout() -> Int {
        if mustNotWait { return 0 }
        let deadline = nextDeadline()
        if deadline == .distantFuture { return -1 }
        let wait = (deadline - MonotonicClock.now).wholeNanoseconds
        return wait <= 0 ? 0 : Int((wait + 999_999) / 1_000_000)
    }
}
