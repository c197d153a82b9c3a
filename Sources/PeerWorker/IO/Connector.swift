import BitTorrent
import CLinux
import Glibc
import PoolRuntime
import SystemPackage

/// Opens connections to numeric addresses. The size of the kernel's receive buffer is left to the kernel, which fits it
/// to bandwidth and delay.
struct Connector {
    private let poll: PollLoop
    private let timeout: Duration
    /// 4 or 16 bytes; empty: any.
    private let localAddress: [UInt8]

    /// - Throws: when `bindAddress` is neither empty nor a numeric address.
    init(poll: PollLoop, timeout: Duration, bindAddress: String) throws(SystemCallError) {
        self.poll = poll
        self.timeout = timeout
        if bindAddress.isEmpty {
            localAddress = []
        } else {
            guard let address = PeerAddress(numericHost: bindAddress, port: 0) else {
                throw SystemCallError("bind", EINVAL, subject: bindAddress)
            }
            localAddress = address.addressBytes
        }
    }

    /// Begins to connect; `opened` or `connectFailed` of the connection's process follows.
    func connect(_ connection: Connection, now: MonotonicInstant) {
        let address = connection.address.addressBytes
        do throws(SystemCallError) {
            let descriptor = OwnedDescriptor(
                try checked(
                    "connect",
                    clinux_connect_tcp(
                        address, UInt32(address.count), connection.address.port, localAddress,
                        UInt32(localAddress.count))))
            connection.attempt = try ConnectAttempt(descriptor, of: connection, on: poll, deadline: now + timeout)
        } catch {
            connection.process.connectFailed(connection, error.errno.rawValue)
        }
    }
}

/// Owns a socket that is on its way to a peer.
final class ConnectAttempt {
    let deadline: MonotonicInstant
    private let descriptor: OwnedDescriptor
    private let poll: PollLoop
    private unowned let connection: Connection
    private var watch: PollLoop.WatchID?

    init(
        _ descriptor: OwnedDescriptor, of connection: Connection, on poll: PollLoop, deadline: MonotonicInstant
    ) throws(SystemCallError) {
        self.descriptor = descriptor
        self.poll = poll
        self.connection = connection
        self.deadline = deadline
        watch = try poll.watch(descriptor: descriptor.rawValue, for: .writable) { [unowned self] _ in ended() }
    }

    deinit { endWatch() }

    private func endWatch() {
        guard let watch else { return }
        poll.unwatch(watch)
        self.watch = nil
    }

    /// The socket is there, or has failed.
    private func ended() {
        let error = clinux_socket_error(descriptor.rawValue)
        endWatch()
        let connection = connection
        guard error == 0 else { return connection.process.connectFailed(connection, error) }
        do throws(SystemCallError) {
            connection.opened(try PeerSocket(descriptor, of: connection, on: poll))
        } catch {
            connection.process.connectFailed(connection, error.errno.rawValue)
        }
    }
}
