import BitTorrent
import CLinux
import Glibc
import PoolRuntime

/// Owns the way to one descriptor of the user's (stdout, stderr, a log, an event file): lines go through a bounded queue
/// to a thread that writes them, so that a reader that never reads, a full pipe or a slow disk never holds up the loop.
final class OutputThread: Sendable {
    private let mailbox: OutputMailbox

    /// - Parameters:
    ///   - descriptor: of the standard streams it is not closed.
    ///   - limit: bytes that may wait.
    ///   - dropNotice: the line that says how many were dropped.
    init(
        descriptor: CInt, limit: Int = 1 << 20, dropNotice: @escaping @Sendable (Int) -> String
    ) throws(SystemCallError) {
        mailbox = try OutputMailbox(descriptor: descriptor, limit: limit, dropNotice: dropNotice)
        try DetachedThread.start { [mailbox] in mailbox.run() }
    }

    /// - Parameter line: without its newline.
    func write(_ line: String, _ importance: OutputQueue.Importance = .ordinary) {
        mailbox.change { $0.queue.add(Array(line.utf8) + [UInt8(ascii: "\n")], importance) }
    }

    /// Rewrites the lines at the bottom of the terminal; none: takes them away.
    func setStatus(_ status: ScreenStatus) { mailbox.change { $0.status = status } }

    /// Why a write failed for the first time; told once.
    func takeFailure() -> CInt? { mailbox.takeFailure() }

    /// Waits until all is written, but not beyond `deadline`; what a reader does not take by then is lost.
    func close(by deadline: MonotonicInstant) { mailbox.close(by: deadline) }
}

/// What the loop and the writing thread share; lives as long as either.
private final class OutputMailbox: Sendable {
    struct Content {
        var queue: OutputQueue
        var status = ScreenStatus()
        var isClosing = false
        var failure: CInt?
    }

    /// Bytes of one `write`: a blocked one keeps no more than this from being dropped.
    private static let mostAtOnce = 64 << 10

    private let content: Locked<Content>
    private let descriptor: CInt
    /// Eventfds: there is something to do; all is done.
    private let wake: CInt
    private let done: CInt
    private let dropNotice: @Sendable (Int) -> String

    init(
        descriptor: CInt, limit: Int, dropNotice: @escaping @Sendable (Int) -> String
    ) throws(SystemCallError) {
        content = Locked(Content(queue: OutputQueue(limit: limit)))
        self.descriptor = descriptor
        self.dropNotice = dropNotice
        wake = try checked("eventfd", clinux_eventfd())
        let done = clinux_eventfd()
        if done < 0 { Glibc.close(wake) }
        self.done = try checked("eventfd", done)
    }

    deinit {
        Glibc.close(wake)
        Glibc.close(done)
        if descriptor > STDERR_FILENO { Glibc.close(descriptor) }
    }

    func change(_ body: (inout Content) -> Void) {
        content.withLock { body(&$0) }
        Self.signal(wake)
    }

    func takeFailure() -> CInt? {
        content.withLock { content in
            defer { content.failure = nil }
            return content.failure
        }
    }

    func close(by deadline: MonotonicInstant) {
        change { $0.isClosing = true }
        while true {
            let left = deadline - MonotonicClock.now
            guard left > .zero, !Self.wait(for: done, milliseconds: CInt(left.wholeNanoseconds / 1_000_000) + 1)
            else { return }
        }
    }

    /// The writing thread.
    func run() {
        var screen = TerminalScreen()
        var isGone = false
        var failureCount = 0
        while true {
            let (batch, status, isClosing) = content.withLock {
                ($0.queue.take(most: Self.mostAtOnce), $0.status, $0.isClosing)
            }
            var lines = batch.bytes
            if batch.droppedCount > 0 { lines += (dropNotice(batch.droppedCount) + "\n").utf8 }
            let bytes = screen.update(lines: lines, status: status)
            if bytes.isEmpty {
                if isClosing { return Self.signal(done) }
                _ = Self.wait(for: wake, milliseconds: -1)
            } else if !isGone {
                let failure = StandardStreams.write(bytes, to: descriptor)
                guard failure != 0 else { continue }
                // Told once: a disk that is full stays so for a while, and a reader that left does not come back.
                if failureCount == 0 { content.withLock { $0.failure = failure } }
                failureCount += 1
                isGone = failure == EPIPE || failure == EBADF
            }
        }
    }

    private static func signal(_ descriptor: CInt) {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// - Returns: whether the eventfd was signalled; it is reset.
    private static func wait(for descriptor: CInt, milliseconds: CInt) -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&waiting, 1, milliseconds)
        var count: UInt64 = 0
        return read(descriptor, &count, MemoryLayout<UInt64>.size) > 0
    }
}
