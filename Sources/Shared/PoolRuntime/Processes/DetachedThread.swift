import CLinux
import Glibc

/// Starts threads that nobody joins: they end with their work or with the process, and a call in which one hangs holds
/// up nobody's end. Signals stay with the thread that starts them.
package enum DetachedThread {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    package static func start(_ body: @escaping @Sendable () -> Void) throws(SystemCallError) {
        let work = Unmanaged.passRetained(Work(body))
        let result = clinux_start_detached(
            { argument in
                Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, work.toOpaque())
        if result < 0 {
            work.release()
            throw SystemCallError("pthread_create", -result)
        }
    }
}
