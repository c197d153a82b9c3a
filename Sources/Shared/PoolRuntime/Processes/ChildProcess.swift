import CLinux
import Glibc

/// Owns one child: its process id, the pidfd that names it beyond all reuse, and its reaping.
package final class ChildProcess {
    /// How a process ended.
    package enum Ending: Equatable, Sendable, CustomStringConvertible {
        case exited(CInt)
        case killed(signal: CInt)

        package var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .killed(let signal): "signal \(signal)"
            }
        }
    }

    package let processID: Int32
    /// Readable when the process has ended.
    package let pidfd: OwnedDescriptor

    /// Starts a program in a process group of its own. Call it from the thread that lives as long as the pool does.
    /// - Parameters:
    ///   - arguments: without the program's own name.
    ///   - wrapper: words that come before the program (`strace -D …`), empty as a rule.
    package init(
        program: String, arguments: [String], wrapper: [String], environment: [String], lifeline: OwnedDescriptor,
        standardError: CInt
    ) throws(SystemCallError) {
        let words = wrapper + [program] + arguments
        var argumentPointers = words.map { strdup($0) } + [nil]
        var environmentPointers = environment.map { strdup($0) } + [nil]
        defer {
            for pointer in argumentPointers + environmentPointers { free(pointer) }
        }
        var processID: pid_t = 0
        try checked(
            "posix_spawn", subject: words[0],
            clinux_spawn(
                &processID, words[0], &argumentPointers, &environmentPointers, lifeline.rawValue, standardError))
        self.processID = processID
        pidfd = OwnedDescriptor(try checked("pidfd_open", clinux_pidfd_open(processID)))
    }

    /// Sends SIGKILL to the whole group, so that a wrapper dies with the worker.
    package func kill() {
        Glibc.kill(-processID, SIGKILL)
        send(signal: SIGKILL)
    }

    package func send(signal: CInt) { _ = clinux_pidfd_send_signal(pidfd.rawValue, signal) }

    /// - Returns: how it ended, once; nil while it lives.
    package func reap() throws(SystemCallError) -> Ending? {
        var status: CInt = 0
        guard try checked("waitid", clinux_reap(pidfd.rawValue, &status)) == 1 else { return nil }
        return status >= 256 ? .killed(signal: status - 256) : .exited(status)
    }
}
