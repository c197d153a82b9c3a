/// The way back of the slots. Every block reference is answered exactly once.
package enum HashWorkerToPeerWorker: PoolMessage {
    case hello(Hello)
    case welcome(Hello)
    case slotsReturned([SlotReturn])

    package static let edge = Edge.hashWorkerToPeerWorker

    package static let samples: [Self] = [
        .hello(Hello(who: Incarnation(Place(.hashWorker, 1), generation: 2), pid: 77, vocabulary: 5)),
        .welcome(Hello(who: Incarnation(Place(.hashWorker, 1), generation: 2), pid: 77, vocabulary: 5)),
        .slotsReturned([SlotReturn(slot: 2, lease: 3, outcome: .duplicate)]),
    ]

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .hello(let hello):
            writer.put(UInt8(1))
            hello.encode(into: &writer)
        case .welcome(let hello):
            writer.put(UInt8(2))
            hello.encode(into: &writer)
        case .slotsReturned(let slots):
            writer.put(UInt8(3))
            writer.put(list: slots)
        }
    }

    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        switch try reader.get(UInt8.self) {
        case 1: self = .hello(try Hello(from: &reader))
        case 2: self = .welcome(try Hello(from: &reader))
        case 3: self = .slotsReturned(try reader.getList())
        case let kind: throw .unknownKind(kind)
        }
    }
}

package struct SlotReturn: PoolCodable {
    package enum Outcome: UInt8, Sendable, CaseIterable {
        /// Copied into assembly.
        case taken = 1
        /// The block was present already.
        case duplicate
        /// The assignment is closed or was never known.
        case notNeeded
    }
    package var slot: UInt32
    package var lease: UInt32
    package var outcome: Outcome

    package init(slot: UInt32, lease: UInt32, outcome: Outcome) {
        self.slot = slot
        self.lease = lease
        self.outcome = outcome
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(slot)
        writer.put(lease)
        writer.put(outcome.rawValue)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        slot = try reader.get()
        lease = try reader.get()
        outcome = try reader.getEnum(Outcome.self)
    }
}
