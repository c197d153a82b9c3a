package import BitTorrent
import CLinux
import Glibc

/// The one place that reads the monotonic clock.
package enum MonotonicClock {
    package static var now: MonotonicInstant { MonotonicInstant(nanoseconds: clinux_monotonic_nanoseconds()) }

    /// Holds the calling thread up, for less than a second; a signal ends it early.
    package static func sleep(_ duration: Duration) {
        guard duration > .zero else { return }
        var time = timespec(tv_sec: 0, tv_nsec: Int(min(duration.wholeNanoseconds, 999_999_999)))
        nanosleep(&time, nil)
    }
}
