/// Every directed edge of the pool: who talks to whom. A message type belongs to exactly one edge.
package enum Edge: UInt8, CaseIterable, Sendable {
    case supervisorToPeerWorker = 1
    case peerWorkerToSupervisor
    case supervisorToHashWorker
    case hashWorkerToSupervisor
    case supervisorToWriter
    case writerToSupervisor
    case peerWorkerToHashWorker
    case hashWorkerToPeerWorker
    case hashWorkerToWriter
    case writerToHashWorker
}

/// The fixed facts of the pool's sockets.
package enum Topology {
    /// Largest message on any edge, set as ZMQ_MAXMSGSIZE: a flood costs the sender its life, not us our memory.
    package static let maximumMessageByteCount = 65536
    /// A batch is sent when it has grown to this, so that one more list entry never passes the maximum.
    package static let batchByteCount = 49152
    /// Messages that may wait for one receiver before EAGAIN tells the owner to keep its things (ZMQ_SNDHWM, ZMQ_RCVHWM).
    package static let highWaterMark: Int32 = 4096
    /// Messages of one worker that may wait for the supervisor: 16 MiB of the longest, since it waits for nobody and
    /// reads them all in each turn.
    package static let newsHighWaterMark: Int32 = 256
    /// Most entries in one list, so that the longest entry (88 bytes) times this stays within a batch.
    package static let maximumListCount = 512

    /// Roles that share a data edge with the given one: they are told of its replacement, and it joins them.
    package static func neighbours(of role: Role) -> [Role] {
        switch role {
        case .supervisor: []
        case .peerWorker: [.hashWorker]
        case .hashWorker: [.peerWorker, .writer]
        case .writer: [.hashWorker]
        }
    }

    /// The order in which places are filled at the start, and refilled when several died: an assembler needs a writer
    /// to hand verified pieces to, a peer-worker needs an assembler to hand blocks to.
    package static let startOrder: [Role] = [.writer, .hashWorker, .peerWorker]
}
