/// What becomes of one system call. Numbers of calls that are in no list end the process; such as the library of this
/// machine does not know fail with ENOSYS, so that a C library that is newer falls back to what it used before.
enum SystemCallVerdict: Hashable, Sendable {
    case allow
    /// Allowed when every test of one of these holds; otherwise it fails with EPERM.
    case allowIf([[ArgumentTest]])
    /// Allowed when the test holds; otherwise it ends the process.
    case allowOrKill(ArgumentTest)
    /// Fails with EPERM: what libraries probe for and do without.
    case refuse
    /// Fails with ENOSYS: what the C library replaces by an older call.
    case absent
}

/// A test of the lower 32 bits of an argument, which are all that the kernel reads of an `int`.
struct ArgumentTest: Hashable, Sendable {
    /// From 0.
    let index: UInt32
    let mask: UInt32
    let value: UInt32

    static func argument(_ index: UInt32, is value: UInt32) -> ArgumentTest {
        ArgumentTest(index: index, mask: .max, value: value)
    }
    /// - Parameter bit: exactly one.
    static func argument(_ index: UInt32, lacks bit: UInt32) -> ArgumentTest {
        ArgumentTest(index: index, mask: bit, value: 0)
    }
    /// - Parameter bit: exactly one.
    static func argument(_ index: UInt32, has bit: UInt32) -> ArgumentTest {
        ArgumentTest(index: index, mask: bit, value: bit)
    }

    func holds(_ arguments: [UInt64]) -> Bool {
        UInt32(truncatingIfNeeded: arguments[Int(index)]) & mask == value
    }

    /// What holds exactly when this one does not; for tests of one bit.
    var opposite: ArgumentTest { ArgumentTest(index: index, mask: mask, value: value ^ mask) }
}
