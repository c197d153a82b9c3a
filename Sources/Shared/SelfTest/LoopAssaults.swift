import PoolProtocol
import PoolRuntime

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
