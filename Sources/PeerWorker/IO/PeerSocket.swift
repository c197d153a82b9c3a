import CLinux
import Glibc
import PoolRuntime

/// Owns a socket that is connected to a peer: its descriptor, its watch, and what the kernel has not taken yet.
final class PeerSocket: PeerTransport {
    /// Unsent bytes at which a peer counts as one that does not read.
    static let unsentLimit = 1 << 20

    let descriptor: OwnedDescriptor
    private let poll: PollLoop
    private unowned let connection: Connection
    private var watch: PollLoop.WatchID?
    private var isReading = true
    /// The kernel was out of memory: nothing is tried until `retry`.
    private var isResting = false
    private var interest: PollLoop.Readiness = .readable
    /// What waits for the kernel; `unsentOffset` of it has gone.
    private var unsent: [UInt8] = []
    private var unsentOffset = 0

    /// Begins to watch; `connection` lives as long as the socket is open.
    init(_ descriptor: OwnedDescriptor, of connection: Connection, on poll: PollLoop) throws(SystemCallError) {
        self.descriptor = descriptor
        self.poll = poll
        self.connection = connection
        watch = try poll.watch(descriptor: descriptor.rawValue) { [unowned self] in ready($0) }
    }

    deinit { close() }

    private func ready(_ readiness: PollLoop.Readiness) {
        if readiness.contains(.writable), !unsent.isEmpty { report(sendUnsent()) }
        guard watch != nil else { return }
        if isReading {
            // An error is found by the read, behind what came before it.
            if !readiness.isDisjoint(with: [.readable, .over]) { connection.readable(descriptor.rawValue) }
        } else if !readiness.isDisjoint(with: .over) {
            // Nothing that is not read yet can be had any more without a slot; waiting here would be a spin.
            connection.broke(clinux_socket_error(descriptor.rawValue))
        }
    }

    private func report(_ outcome: SendOutcome) {
        if case .failed(let error) = outcome { connection.broke(error) }
    }

    // MARK: Transport

    func send(_ bytes: inout [UInt8]) -> SendOutcome {
        if unsent.isEmpty {
            swap(&unsent, &bytes)
        } else {
            unsent += bytes
        }
        bytes.removeAll(keepingCapacity: true)
        return sendUnsent()
    }

    private func sendUnsent() -> SendOutcome {
        guard watch != nil else { return .sent }
        let sent = unsent.withUnsafeBytes {
            Glibc.send(
                descriptor.rawValue, $0.baseAddress! + unsentOffset, $0.count - unsentOffset, CInt(MSG_NOSIGNAL))
        }
        if sent < 0 {
            if Self.isShortage(errno) { rest() } else if errno != EAGAIN && errno != EINTR { return .failed(errno) }
        } else {
            unsentOffset += sent
        }
        if unsentOffset == unsent.count {
            // Room for a few requests is kept; a bitfield's is given back.
            unsent.removeAll(keepingCapacity: unsent.count <= 4096)
            unsentOffset = 0
        }
        setInterest()
        return unsent.count - unsentOffset > Self.unsentLimit ? .unread : .sent
    }

    func setReading(_ isOn: Bool) {
        isReading = isOn
        setInterest()
    }

    func rest() {
        isResting = true
        setInterest()
    }

    func retry() {
        guard isResting else { return }
        isResting = false
        setInterest()
        if !unsent.isEmpty { report(sendUnsent()) }
    }

    /// The kernel has no memory for a socket just now; it says "ready" all the same.
    static func isShortage(_ error: CInt) -> Bool { error == ENOBUFS || error == ENOMEM }

    private func setInterest() {
        guard let watch else { return }
        var wanted: PollLoop.Readiness = isReading && !isResting ? .readable : []
        if !unsent.isEmpty && !isResting { wanted.insert(.writable) }
        guard wanted != interest else { return }
        interest = wanted
        poll.change(watch, to: wanted)
    }

    func close() {
        guard let watch else { return }
        poll.unwatch(watch)
        self.watch = nil
    }
}
