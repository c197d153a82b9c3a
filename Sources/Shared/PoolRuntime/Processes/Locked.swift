import Glibc

/// Owns a value that threads share, and lets one of them at a time touch it.
///
/// A lock of the C library and not Swift's `Mutex`: ThreadSanitizer (`scripts/sanitize`) knows this one, and calls whatever
/// the other guards a race.
package final class Locked<Value: Sendable>: @unchecked Sendable {
    // `value` is touched under `mutex` only.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    package init(_ value: Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// - Parameter body: must be short, and not lock again.
    package func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
