import Glibc
import SystemPackage

/// Reads errors of sockets: whose fault one is, and one line for people.
enum SocketTrouble {
    /// This machine ran out of something; the peer is not to blame.
    private static let local: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EACCES, EPERM]

    static func isLocal(_ error: CInt) -> Bool { local.contains(error) }

    static func text(_ error: CInt) -> String {
        error == ETIMEDOUT ? "no answer in time" : Errno(rawValue: error).description
    }
}
