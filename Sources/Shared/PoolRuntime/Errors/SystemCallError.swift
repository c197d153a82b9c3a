import CLinux
package import SystemPackage

/// A system call that failed on this machine: which one, on what, and why.
package struct SystemCallError: Error, Equatable, CustomStringConvertible {
    package let call: String
    /// What it was about (a path, an address, a role); may be empty.
    package let subject: String
    package let errno: Errno

    package init(_ call: String, _ errno: CInt, subject: String = "") {
        self.call = call
        self.subject = subject
        self.errno = Errno(rawValue: errno)
    }

    package var description: String {
        subject.isEmpty ? "\(call): \(errno)" : "\(subject): \(call): \(errno)"
    }
}

/// Turns a result of `CLinux` (-errno on failure) into a value or an error.
@discardableResult
package func checked<Result: SignedInteger>(
    _ call: String, subject: @autoclosure () -> String = "", _ result: Result
) throws(SystemCallError) -> Result {
    if result < 0 { throw SystemCallError(call, CInt(-result), subject: subject()) }
    return result
}
