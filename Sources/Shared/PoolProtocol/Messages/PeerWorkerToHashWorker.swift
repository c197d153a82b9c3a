package import BitTorrent

/// Blocks on their way from the network into assembly.
package enum PeerWorkerToHashWorker: PoolMessage {
    case hello(Hello)
    case welcome(Hello)
    case blocksArrived([BlockReference])

    package static let edge = Edge.peerWorkerToHashWorker

    package static let samples: [Self] = [
        .hello(Hello(who: Incarnation(Place(.peerWorker, 1), generation: 2), pid: 77, vocabulary: 5)),
        .welcome(Hello(who: Incarnation(Place(.peerWorker, 1), generation: 2), pid: 77, vocabulary: 5)),
        .blocksArrived([.sample]),
    ]

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .hello(let hello):
            writer.put(UInt8(1))
            hello.encode(into: &writer)
        case .welcome(let hello):
            writer.put(UInt8(2))
            hello.encode(into: &writer)
        case .blocksArrived(let blocks):
            writer.put(UInt8(3))
            writer.put(list: blocks)
        }
    }

    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        switch try reader.get(UInt8.self) {
        case 1: self = .hello(try Hello(from: &reader))
        case 2: self = .welcome(try Hello(from: &reader))
        case 3: self = .blocksArrived(try reader.getList())
        case let kind: throw .unknownKind(kind)
        }
    }
}

/// "This block of this assignment lies in that slot of my intake region." Names an assignment, never a place in the
/// receiver's memory, so that a hostile sender cannot aim.
package struct BlockReference: PoolCodable {
    package var assignment: AssignmentID
    package var block: UInt32
    /// Bytes, 1 … 16384.
    package var byteCount: UInt32
    package var slot: UInt32
    /// Counts the uses of the slot; the return must name it again.
    package var lease: UInt32
    /// The sender's name for the peer.
    package var peer: UInt32

    package init(
        assignment: AssignmentID, block: UInt32, byteCount: UInt32, slot: UInt32, lease: UInt32, peer: UInt32
    ) {
        self.assignment = assignment
        self.block = block
        self.byteCount = byteCount
        self.slot = slot
        self.lease = lease
        self.peer = peer
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(assignment)
        writer.put(block)
        writer.put(byteCount)
        writer.put(slot)
        writer.put(lease)
        writer.put(peer)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        assignment = try reader.get()
        block = try reader.get()
        byteCount = try reader.get()
        slot = try reader.get()
        lease = try reader.get()
        peer = try reader.get()
    }

    static let sample = BlockReference(assignment: 9, block: 1, byteCount: 16384, slot: 2, lease: 3, peer: 4)
}
