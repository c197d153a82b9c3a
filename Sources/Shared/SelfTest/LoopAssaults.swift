import BitTorrent
import PoolProtocol
import PoolRuntime

/// Reads where there is no memory, once it has done some work.
final class Crash: Assault {
    private static let workBefore: UInt64 = 512 << 10
    /// Within the first page, which nobody ever has.
    private var address: UInt = 8

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        guard loop.launch.status.movedByteCount >= Self.workBefore else { return }
        address = UInt(UnsafePointer<UInt8>(bitPattern: address)!.pointee)
    }
}

/// Burns a core and never comes back; the turn before has said that it is ready.
final class Spin: Assault {
    private var turnCount = 0
    private var count: UInt64 = 0

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        turnCount += 1
        guard turnCount > 2 else { return }
        while turnCount > 0 { count &+= 1 }
    }
}

/// Hears nothing any more, and turns all the while.
final class Mute: Assault {
    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        loop.orderReceived = { _ in }
    }
}

/// Turns without a rest, and burns most of its time in each turn.
final class Busy: Assault {
    private static let turnLength: Duration = .microseconds(100)
    private let isDeaf: Bool
    private var word: UInt64 = 1

    /// - Parameter isDeaf: it hears nothing any more; else it does its work all the while.
    init(isDeaf: Bool) { self.isDeaf = isDeaf }

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        if isDeaf { loop.orderReceived = { _ in } }
        let end = MonotonicClock.now + Self.turnLength
        while MonotonicClock.now < end { mix() }
        loop.poll.mustNotWait = true
    }

    /// Nothing that a compiler could foresee, and long enough that a thread that is asked where it is says: here.
    private func mix() {
        var count = 0
        while count < 1000 {
            word ^= word << 13
            word ^= word >> 7
            count += 1
        }
    }
}
