import BitTorrent
import PoolRuntime

@testable import PeerWorker

/// What a member's line sends: a block of each connection in turn, one at a time.
final class Uplink {
    private let bytesPerSecond: Int
    private let queue: EventQueue
    private var waiting: [MemberWire] = []
    private var isBusy = false
    private(set) var sentByteCount = 0

    init(bytesPerSecond: Int, _ queue: EventQueue) {
        self.bytesPerSecond = bytesPerSecond
        self.queue = queue
    }

    func add(_ wire: MemberWire) {
        waiting.append(wire)
        sendNext()
    }

    private func sendNext() {
        while !isBusy, !waiting.isEmpty {
            let wire = waiting.removeFirst()
            guard let byteCount = wire.nextBodyByteCount else { continue }
            isBusy = true
            queue.plan(after: .nanoseconds(Int64(byteCount) * 1_000_000_000 / Int64(bytesPerSecond))) { [self] in
                isBusy = false
                sentByteCount += byteCount
                wire.bodySent()
                sendNext()
            }
        }
    }
}

/// One end of a connection between two members: keeps the order of what it sends. Messages take the line's delay, blocks
/// the time of both lines; some blocks may be under way at a time, as in a window of TCP.
final class MemberWire: PeerTransport {
    private static let window = 4
    /// Nanoseconds.
    private static let grid: Int64 = 50_000_000
    private static let zeros = [UInt8](repeating: 0, count: Int(TorrentGeometry.blockByteCount))

    private enum Item {
        case bytes([UInt8])
        /// Only the count: all payload is zeros.
        case body(Int)
    }

    private let owner: SwarmMember
    /// Never used after its end.
    private unowned let connection: Connection
    private weak var other: MemberWire?
    private var items: [Item] = []
    private var bodyWaits = false
    private var underWay = 0
    private var isOpen = true
    private var isReading = true
    private var lastArrival = MonotonicInstant.distantPast

    private init(_ owner: SwarmMember, _ connection: Connection) {
        self.owner = owner
        self.connection = connection
    }

    static func join(_ first: SwarmMember, _ outgoing: Connection, _ second: SwarmMember, _ incoming: Connection) {
        let (left, right) = (MemberWire(first, outgoing), MemberWire(second, incoming))
        (left.other, right.other) = (right, left)
        incoming.opened(right)
        outgoing.opened(left)
    }

    // MARK: Transport

    func send(_ bytes: inout [UInt8]) -> SendOutcome {
        items.append(.bytes(bytes))
        bytes.removeAll(keepingCapacity: true)
        advance()
        return .sent
    }

    var isIdle: Bool { !bodyWaits && items.isEmpty && underWay < Self.window }

    func send(_ head: inout [UInt8], _ body: UploadBody) -> SendOutcome {
        items.append(.bytes(head))
        head.removeAll(keepingCapacity: true)
        items.append(.body((0..<body.partCount).reduce(0) { $0 + body[$1].byteCount }))
        advance()
        return .sent
    }

    func setReading(_ isOn: Bool) {}
    func rest() {}
    func retry() {}

    func close() {
        guard isOpen else { return }
        isOpen = false
        let other = other
        owner.swarm.queue.plan(at: arrival()) { other?.hungUp() }
    }

    // MARK: The way

    private func arrival() -> MonotonicInstant {
        guard let other else { return owner.swarm.now }
        return arrival(at: owner.swarm.now + owner.latency + other.owner.latency)
    }

    /// Not before what was sent before. What comes to a member within a moment comes together, since it has no loop that
    /// would do so.
    private func arrival(at earliest: MonotonicInstant) -> MonotonicInstant {
        let moment = max(lastArrival, earliest).nanoseconds
        lastArrival = MonotonicInstant(nanoseconds: (moment + Self.grid - 1) / Self.grid * Self.grid)
        return lastArrival
    }

    /// Sends messages up to the next block, which waits for its turn.
    private func advance() {
        while let item = items.first, !bodyWaits {
            switch item {
            case .bytes(let bytes):
                items.removeFirst()
                let other = other
                owner.swarm.queue.plan(at: arrival()) { other?.receive(bytes) }
            case .body:
                bodyWaits = true
                owner.uplink.add(self)
            }
        }
    }

    /// nil: the connection has ended meanwhile.
    var nextBodyByteCount: Int? {
        guard isOpen, case .body(let byteCount)? = items.first else { return nil }
        return byteCount
    }

    func bodySent() {
        bodyWaits = false
        guard isOpen, case .body(let byteCount)? = items.first, let other else { return }
        items.removeFirst()
        underWay += 1
        let receiver = other.owner
        let reaches = owner.swarm.now + owner.latency + receiver.latency
        receiver.downFree =
            max(receiver.downFree, reaches)
            + .nanoseconds(Int64(byteCount) * 1_000_000_000 / Int64(receiver.downBytesPerSecond))
        owner.swarm.queue.plan(at: arrival(at: receiver.downFree)) { [weak self] in
            other.receive(Self.zeros[..<byteCount])
            self?.bodyArrived()
        }
        advance()
        tellIfIdle()
    }

    private func bodyArrived() {
        underWay -= 1
        tellIfIdle()
    }

    private func tellIfIdle() {
        guard isOpen, isIdle else { return }
        connection.drained()
        owner.run()
    }

    private func receive(_ bytes: some Sequence<UInt8> & Collection<UInt8>) {
        guard isOpen, owner.isThere else { return }
        _ = bytes.withContiguousStorageIfAvailable { connection.received(UnsafeRawBufferPointer($0)) }
        owner.runSoon()
    }

    private func hungUp() {
        guard isOpen, owner.isThere else { return }
        connection.ended()
        owner.runSoon()
    }
}
