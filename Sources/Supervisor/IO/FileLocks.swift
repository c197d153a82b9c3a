import CLinux
import Glibc
import PoolRuntime

/// Owns the lock that says: this supervisor downloads this torrent into this directory. It ends with the process,
/// however that dies; the file stays, since removing it would let two supervisors hold two locks of one name.
final class FileLock {
    enum Refusal: Error, CustomStringConvertible {
        /// Another supervisor is at work: exit 11.
        case held(path: UserPath)
        case failed(SystemCallError)

        var description: String {
            switch self {
            case .held: "another supervisor downloads this torrent into this directory"
            case .failed(let error): error.description
            }
        }
    }

    private let descriptor: OwnedDescriptor

    init(path: UserPath) throws(Refusal) {
        do throws(SystemCallError) { descriptor = try Self.open(path) } catch { throw .failed(error) }
        while flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            if errno == EWOULDBLOCK { throw .held(path: path) }
            throw .failed(SystemCallError("flock", errno, subject: path.description))
        }
    }

    /// The file that the writer locks. The lock belongs to everybody who holds this descriptor: it passes from a writer
    /// to its successor through us, and is free once we and our last writer are gone.
    static func openForWriter(_ path: UserPath) throws(SystemCallError) -> OwnedDescriptor { try open(path) }

    private static func open(_ path: UserPath) throws(SystemCallError) -> OwnedDescriptor {
        OwnedDescriptor(
            try checked(
                "open", subject: path.description,
                path.withCString { clinux_open($0, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600) }))
    }
}
