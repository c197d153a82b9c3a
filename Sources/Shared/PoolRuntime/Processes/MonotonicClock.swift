package import BitTorrent
import CLinux

/// The one place that reads the monotonic clock.
package enum MonotonicClock {
    package static var now: MonotonicInstant { MonotonicInstant(nanoseconds: clinux_monotonic_nanoseconds()) }
}
