import BitTorrent
import CLinux
import Foundation
import Glibc
import PoolProtocol
import PoolRuntime
import Testing

@testable import Supervisor

/// The supervisor's side of a hash-worker, and at its other end a reader that does what a hash-worker does with
/// descriptors and orders: it keeps what comes over the lifeline, and reads pieces when it is told to.
final class HashWorkerStandIn {
    let process: WorkerProcess
    /// By the pieces that it was asked about.
    private(set) var outcomes: [PieceIndex: RecheckVerdict.Outcome] = [:]
    /// Descriptors that ever came.
    private(set) var passedCount = 0
    private(set) var mostHeld = 0
    private var lifeline: Lifeline?
    private var files: [UInt32: OwnedDescriptor] = [:]
    private var collected: (piece: PieceIndex, bytes: [UInt8]?)?
    private let directory: String
    private let supervisor: ZMQSocket
    private let worker: ZMQSocket
    private var receivedFrameCount: UInt64 = 0

    init(_ ordinal: Int = 0, generation: UInt32 = 1) throws {
        let who = Incarnation(Place(.hashWorker, ordinal), generation: generation)
        var template = Array("\(NSTemporaryDirectory())stand-in-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let (ours, theirs) = try Lifeline.makePair()
        let (complaints, errors) = try WorkerComplaints.make()
        let page = try RegionMapping.makeRegion(name: "page", byteCount: StatusPage.byteCount)
        process = WorkerProcess(
            who,
            child: try ChildProcess(
                program: "/bin/sleep", arguments: ["1000"], wrapper: [], environment: [], lifeline: theirs,
                standardError: errors.rawValue),
            lifeline: ours,
            status: StatusPageReader(
                try RegionMapping(descriptor: page.rawValue, byteCount: StatusPage.byteCount, access: .readOnly)),
            peerCapacity: 0, heartbeat: .seconds(1), complaints: complaints)
        lifeline = Lifeline(theirs)
        func socket(_ kind: ZMQSocket.Kind, _ name: [UInt8]) throws -> ZMQSocket {
            try ZMQSocket(
                try ZMQContext(), kind, routingID: name, maximumMessageByteCount: Topology.maximumMessageByteCount,
                highWaterMark: Topology.highWaterMark)
        }
        supervisor = try socket(.router, Array("supervisor".utf8))
        worker = try socket(.dealer, who.routingID)
        try supervisor.bind(path: directory + "/control")
        try worker.connect(path: directory + "/control")
        // The router knows nobody who has not spoken.
        try #require(worker.send([1], to: nil) == .sent)
        try wait { !isSilent(supervisor) }
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// The process is gone, and its end of the lifeline with it.
    func kill() {
        process.child.kill()
        var item = pollfd(fd: process.child.pidfd.rawValue, events: Int16(POLLIN), revents: 0)
        poll(&item, 1, 5000)
        _ = try? process.child.reap()
        lifeline = nil
        process.ended()
    }

    /// Goes on until there is nothing to do for either side.
    func run() throws {
        while true {
            let haveCome = try takeDescriptors()
            if try !takeOrders() && !haveCome { return }
        }
    }

    /// - Returns: whether any came.
    private func takeDescriptors() throws -> Bool {
        var names: [UInt32] = []
        while case .message(let bytes, let descriptors)? = try lifeline?.receive() {
            let passed = try bytes.withUnsafeBytes { buffer in
                var reader = FrameReader(buffer)
                return try DescriptorsPassed(from: &reader)
            }
            try #require(passed.identifiers.count == descriptors.count)
            for (name, descriptor) in zip(passed.identifiers, descriptors) { files[name] = OwnedDescriptor(descriptor) }
            names += passed.identifiers
        }
        passedCount += names.count
        // The orders that are out already get here before the supervisor hears of the descriptors.
        _ = try takeOrders()
        for name in names { process.descriptorReceived(name) }
        return !names.isEmpty
    }

    /// - Returns: whether any came.
    private func takeOrders() throws -> Bool {
        guard process.outbox.flush(into: supervisor, to: process.incarnation.routingID) else {
            throw SystemCallError("zmq_send", EHOSTUNREACH)
        }
        guard receivedFrameCount < process.outbox.sentFrameCount else { return false }
        var orders: [SupervisorToHashWorker] = []
        try wait {
            _ = worker.receive(limit: 100) { _, frame in
                receivedFrameCount += 1
                do { try SupervisorToHashWorker.decodeAll(frame) { orders.append($0) } } catch { Issue.record(error) }
            }
            return receivedFrameCount == process.outbox.sentFrameCount
        }
        for order in orders { carryOut(order) }
        return true
    }

    private func carryOut(_ order: SupervisorToHashWorker) {
        switch order {
        case .closeDescriptors(let names): for name in names { files[name] = nil }
        case .recheck(_, let piece, let digest, let spans, let isLast):
            mostHeld = max(mostHeld, files.count)
            if collected?.piece != piece { collected = (piece, []) }
            for span in spans { collected!.bytes = read(span).flatMap { part in collected!.bytes.map { $0 + part } } }
            guard isLast, let bytes = collected?.bytes else {
                if isLast { outcomes[piece] = .unreadable }
                return
            }
            outcomes[piece] = SHA1.hash(of: bytes) == digest ? .right : .wrong
            collected = nil
        default: Issue.record("unexpected: \(order)")
        }
    }

    /// - Returns: nil when the descriptor is not here.
    private func read(_ span: DataSpan) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: Int(span.byteCount))
        if span.descriptor == 0 { return bytes }
        guard let file = files[span.descriptor] else { return nil }
        let count = pread(file.rawValue, &bytes, bytes.count, off_t(span.offset))
        return Array(bytes.prefix(max(0, count)))
    }

    private func isSilent(_ socket: ZMQSocket) -> Bool {
        var isSilent = true
        _ = socket.receive(limit: 1) { _, _ in isSilent = false }
        return isSilent
    }

    private func wait(_ isThere: () -> Bool) throws {
        for _ in 0..<5000 {
            if isThere() { return }
            usleep(1000)
        }
        throw SystemCallError("zmq_recv", ETIMEDOUT)
    }
}
