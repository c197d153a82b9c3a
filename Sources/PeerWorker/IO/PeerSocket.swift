import BitTorrent
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
    /// Goes behind the first `bodyPosition` bytes of `unsent`.
    private var body: BodyProgress?
    private var bodyPosition = 0

    private struct BodyProgress {
        let body: UploadBody
        var part = 0
        /// Bytes of the part that have gone.
        var offset = 0
    }

    /// Begins to watch; `connection` lives as long as the socket is open.
    init(_ descriptor: OwnedDescriptor, of connection: Connection, on poll: PollLoop) throws(SystemCallError) {
        self.descriptor = descriptor
        self.poll = poll
        self.connection = connection
        watch = try poll.watch(descriptor: descriptor.rawValue) { [unowned self] in ready($0) }
    }

    deinit { close() }

    private func ready(_ readiness: PollLoop.Readiness) {
        if readiness.contains(.writable), !isIdle {
            report(sendUnsent())
            if isIdle, watch != nil { connection.drained() }
        }
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

    var isIdle: Bool { unsent.isEmpty && body == nil }

    func send(_ head: inout [UInt8], _ body: UploadBody) -> SendOutcome {
        precondition(self.body == nil, "one body at a time")
        unsent += head
        head.removeAll(keepingCapacity: true)
        bodyPosition = unsent.count
        self.body = BodyProgress(body: body)
        return sendUnsent()
    }

    /// Sends until all has gone or the kernel takes no more.
    private func sendUnsent() -> SendOutcome {
        guard watch != nil else { return .sent }
        var outcome = SendOutcome.sent
        sending: while !isIdle {
            let end = body == nil ? unsent.count : bodyPosition
            let sent: Int
            if unsentOffset < end {
                sent = sendBytes(to: end)
                if sent > 0 { unsentOffset += sent }
            } else {
                sent = sendBody()
            }
            if sent < 0 {
                let error = CInt(-sent)
                if Self.isShortage(error) { rest() } else if error != EAGAIN { outcome = .failed(error) }
                break sending
            }
            if body == nil, unsentOffset == unsent.count {
                // Room for a few requests is kept; a bitfield's is given back.
                unsent.removeAll(keepingCapacity: unsent.count <= 4096)
                unsentOffset = 0
            }
        }
        setInterest()
        if case .failed = outcome { return outcome }
        return unsent.count - unsentOffset > Self.unsentLimit ? .unread : .sent
    }

    /// - Returns: bytes that have gone, or a negative errno.
    private func sendBytes(to end: Int) -> Int {
        let flags = CInt(MSG_NOSIGNAL) | (body == nil ? 0 : CInt(MSG_MORE))
        let sent = unsent.withUnsafeBytes {
            Glibc.send(descriptor.rawValue, $0.baseAddress! + unsentOffset, end - unsentOffset, flags)
        }
        if sent < 0 { return errno == EINTR ? 0 : -Int(errno) }
        return sent
    }

    /// - Returns: as `sendBytes`; ENODATA when the file is shorter than it was.
    private func sendBody() -> Int {
        guard var progress = body else { return 0 }
        let part = progress.body[progress.part]
        let rest = part.byteCount - progress.offset
        let sent: Int
        if let file = part.file {
            sent = clinux_sendfile(
                descriptor.rawValue, file.rawValue, Int64(part.offset) + Int64(progress.offset), rest)
        } else {
            sent = Self.zeros.withUnsafeBytes {
                Glibc.send(descriptor.rawValue, $0.baseAddress!, min(rest, $0.count), CInt(MSG_NOSIGNAL))
            }
            if sent < 0 { return errno == EINTR ? 0 : -Int(errno) }
        }
        guard sent > 0 else { return sent == 0 ? -Int(ENODATA) : sent }
        progress.offset += sent
        if progress.offset == part.byteCount {
            progress.part += 1
            progress.offset = 0
        }
        body = progress.part == progress.body.partCount ? nil : progress
        return sent
    }

    private static let zeros = [UInt8](repeating: 0, count: Int(TorrentGeometry.blockByteCount))

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
        if !isIdle { report(sendUnsent()) }
    }

    /// The kernel has no memory for a socket just now; it says "ready" all the same.
    static func isShortage(_ error: CInt) -> Bool { error == ENOBUFS || error == ENOMEM }

    private func setInterest() {
        guard let watch else { return }
        var wanted: PollLoop.Readiness = isReading && !isResting ? .readable : []
        if !isIdle && !isResting { wanted.insert(.writable) }
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
