import BitTorrent
import CLinux
import Glibc
import SystemPackage

/// Opens the files that the user wants written: the log and the events.
enum OutputFile {
    /// - Parameters:
    ///   - isFresh: begins empty; otherwise lines are added to what is there.
    /// - Returns: a descriptor of the caller's.
    static func open(_ path: UserPath, isFresh: Bool) throws(UserError) -> CInt {
        // Not to block on a pipe that nobody reads: that is an error, and later writes are a thread's business.
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (isFresh ? O_TRUNC : O_APPEND)
        let descriptor = path.withCString { clinux_open($0, flags, 0o666) }
        guard descriptor >= 0 else {
            let reason =
                descriptor == -ENXIO ? "a pipe that nobody reads" : Errno(rawValue: -descriptor).description
            throw UserError(.fileError, path.description, "cannot be opened for writing", because: reason)
        }
        _ = clinux_set_nonblocking(descriptor, 0)
        return descriptor
    }
}
