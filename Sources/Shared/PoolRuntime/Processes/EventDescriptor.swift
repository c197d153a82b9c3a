import CLinux
import Glibc

/// An eventfd: one thread says that something is there, another waits for it. Both at any time.
// Sendable although the descriptor is a class: it is immutable.
package struct EventDescriptor: @unchecked Sendable {
    private let descriptor: OwnedDescriptor

    package init() throws(SystemCallError) { descriptor = OwnedDescriptor(try checked("eventfd", clinux_eventfd())) }

    package var rawValue: CInt { descriptor.rawValue }

    package func signal() {
        var one: UInt64 = 1
        _ = write(descriptor.rawValue, &one, MemoryLayout<UInt64>.size)
    }

    /// Takes all signals back; to be called before looking for what they told of.
    package func clear() {
        var count: UInt64 = 0
        _ = read(descriptor.rawValue, &count, MemoryLayout<UInt64>.size)
    }

    /// Waits until it was signalled; returns early at times.
    package func wait() {
        var poll = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        _ = Glibc.poll(&poll, 1, -1)
    }
}
