import BitTorrent
import CLinux
import Glibc
import PoolRuntime
import SystemPackage

/// Takes in the peers that connect to the sockets which the supervisor opened and passed on. Closes none of them before
/// the process ends: the supervisor keeps them over restarts.
final class Listeners {
    /// Connections taken from one listener in a turn before peers get theirs.
    private static let acceptsPerTurn = 16
    /// After this machine has run out of descriptors or memory: a listener stays readable, so going on were a spin.
    private static let pause: Duration = .seconds(1)

    private let poll: PollLoop
    private let clock: () -> MonotonicInstant
    /// Makes the connection; nil refuses the peer.
    private let accept: (PeerAddress) -> Connection?
    private let failed: (SystemCallError) -> Void
    private var watches: [PollLoop.WatchID] = []
    /// When a pause ends.
    private(set) var nextDeadline = MonotonicInstant.distantFuture

    init(
        poll: PollLoop, clock: @escaping () -> MonotonicInstant, accept: @escaping (PeerAddress) -> Connection?,
        failed: @escaping (SystemCallError) -> Void
    ) {
        self.poll = poll
        self.clock = clock
        self.accept = accept
        self.failed = failed
    }

    /// Begins to accept at these, which do not block.
    func start(_ descriptors: [CInt]) {
        for descriptor in descriptors {
            do throws(SystemCallError) {
                watches.append(try poll.watch(descriptor: descriptor) { [unowned self] _ in take(from: descriptor) })
            } catch { failed(error) }
        }
    }

    private func take(from listener: CInt) {
        for _ in 0..<Self.acceptsPerTurn {
            var bytes: (UInt64, UInt64) = (0, 0)
            var size: UInt32 = 0
            var port: UInt16 = 0
            let descriptor = withUnsafeMutableBytes(of: &bytes) {
                clinux_accept_tcp(listener, $0.baseAddress, &size, &port)
            }
            if descriptor < 0 { return sawError(-descriptor) }
            let peer = OwnedDescriptor(descriptor)
            let address = withUnsafeBytes(of: &bytes) {
                PeerAddress(addressBytes: $0.prefix(Int(size)), port: port)
            }
            // An IPv4 peer at an IPv6 socket goes by its IPv4 address.
            guard let address, let connection = accept(address.unmapped) else { continue }
            do throws(SystemCallError) {
                connection.opened(try PeerSocket(peer, of: connection, on: poll))
            } catch {
                connection.process.connectFailed(connection, error.errno.rawValue)
            }
        }
    }

    private func sawError(_ error: CInt) {
        switch error {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            failed(SystemCallError("accept", error))
            for watch in watches { poll.change(watch, to: []) }
            nextDeadline = clock() + Self.pause
        // None waits, or one had trouble that the kernel passes on (accept(2)) and that is over with it.
        default: break
        }
    }

    func timerFired(now: MonotonicInstant) {
        guard now >= nextDeadline else { return }
        nextDeadline = .distantFuture
        for watch in watches { poll.change(watch, to: .readable) }
    }
}
