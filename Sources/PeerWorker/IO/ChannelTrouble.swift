import Glibc
import NIOCore
import SystemPackage

/// Reads NIO's errors: whose fault one is, and one line for people.
enum ChannelTrouble {
    /// This machine ran out of something; the peer is not to blame.
    private static let local: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EACCES, EPERM]

    static func isLocal(_ error: any Error) -> Bool {
        guard let error = error as? IOError else { return false }
        return local.contains(error.errnoCode)
    }

    static func text(_ error: any Error) -> String {
        switch error {
        case let error as IOError: Errno(rawValue: error.errnoCode).description
        case ChannelError.connectTimeout: "no answer in time"
        default: "\(error)"
        }
    }
}
