import BitTorrent
import CLinux
import Glibc
import Logging
import PoolProtocol
import PoolRuntime

/// Tries all that a sandbox refuses without ending the worker, and says how each ended, from the loop's thread and from
/// one that was there before the lock-down.
final class Trespass: Assault {
    private var turnCount = 0
    private var isDone = false
    private var target = clinux_attempt_target(process: getppid(), directory: -1, socket: -1)
    private let wake: EventDescriptor?

    /// Before the lock-down: a locked-down worker starts no thread to try it from.
    init(_ launch: WorkerLaunch) {
        target.socket = launch.listener
        guard let wake = try? EventDescriptor() else {
            self.wake = nil
            return
        }
        self.wake = wake
        let logger = launch.chronicle.logger
        try? DetachedThread.start {
            wake.wait()
            var target = clinux_attempt_target(process: 0, directory: -1, socket: -1)
            let result = attempts(clinux_trespasses, clinux_trespass_count)[0].run(&target)
            logger.warning("selftest: of another thread: \(outcome(result))")
        }
    }

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        turnCount += 1
        guard !isDone, turnCount >= 2 else { return }
        if loop.launch.order.who.place.role == .writer {
            // The directory comes with the first torrent.
            target.directory = clinux_find_directory()
            guard target.directory >= 0 else { return }
        }
        isDone = true
        for attempt in attempts(clinux_trespasses, clinux_trespass_count) { report(attempt, loop) }
        if target.directory >= 0 {
            for attempt in attempts(clinux_escapes, clinux_escape_count) { report(attempt, loop) }
        }
        wake?.signal()
    }

    private func report<Order: SupervisorOrder, News: WorkerNews>(
        _ attempt: clinux_attempt, _ loop: WorkerLoop<Order, News>
    ) {
        loop.report("\(String(cString: attempt.name)): \(outcome(attempt.run(&target)))")
    }
}

/// Does what a sandbox ends a worker for; lives on where there is none, and says how it went.
final class Felony: Assault {
    /// Whom others join waits, so that its end does not take one along that is just joining it.
    private static let patience: Duration = .milliseconds(300)
    private let attack: Attack
    private var isDone = false
    private var turnCount = 0
    private var begin = MonotonicInstant.distantFuture
    private var target = clinux_attempt_target(process: getppid(), directory: -1, socket: -1)

    init(_ attack: Attack) { self.attack = attack }

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        turnCount += 1
        let isJoined = loop.launch.order.who.place.role != .peerWorker
        if turnCount == 1 { begin = isJoined ? MonotonicClock.now + Self.patience : .distantPast }
        guard turnCount >= 2, !isDone, MonotonicClock.now >= begin else { return }
        isDone = true
        for attempt in attempts(clinux_felonies, clinux_felony_count)
        where String(cString: attempt.name) == attack.rawValue {
            loop.report("\(attack.rawValue): \(outcome(attempt.run(&target)))")
        }
    }
}

/// A peer-worker that changes a byte of its region and soon changes it back, all the time: also of blocks that it has
/// handed over, and that are being copied, hashed or written. Never more than one at a time, so that few pieces fail and
/// those who sent them are not all banned for it.
final class FlipAssault: Assault {
    /// For as long as this, and then no more: the download is to end.
    private static let duration: Duration = .seconds(2)
    private let wake: EventDescriptor?

    init(_ launch: WorkerLaunch) {
        guard let region = launch.region, let wake = try? EventDescriptor() else {
            self.wake = nil
            return
        }
        self.wake = wake
        // Sendable although it is memory: whoever else touches it is to find it changed.
        nonisolated(unsafe) let base = region.base
        let byteCount = region.byteCount
        try? DetachedThread.start {
            wake.wait()
            var generator = SystemRandomNumberGenerator()
            let end = MonotonicClock.now + Self.duration
            while MonotonicClock.now < end {
                let byte = (base + Int.random(in: 0..<byteCount, using: &generator)).assumingMemoryBound(to: UInt8.self)
                byte.pointee ^= 1
                usleep(20)
                byte.pointee ^= 1
            }
        }
    }

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) { wake?.signal() }
}

private func outcome(_ result: Int) -> String { result >= 0 ? "done" : String(cString: strerror(CInt(-result))) }

private func attempts(
    _ list: UnsafePointer<clinux_attempt>, _ count: UInt32
) -> UnsafeBufferPointer<clinux_attempt> { UnsafeBufferPointer(start: list, count: Int(count)) }
