import Glibc

/// A descriptor that is closed with its owner.
package final class OwnedDescriptor {
    package let rawValue: CInt

    package init(_ rawValue: CInt) { self.rawValue = rawValue }
    deinit { close(rawValue) }
}
