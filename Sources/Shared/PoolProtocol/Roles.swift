/// The four kinds of process in the pool (docs/architecture.md).
package enum Role: UInt8, CaseIterable, Sendable, Hashable {
    case supervisor = 0
    case peerWorker = 1
    case hashWorker = 2
    case writer = 3

    /// The word that options, logs and events use.
    package var name: String {
        switch self {
        case .supervisor: "supervisor"
        case .peerWorker: "peer"
        case .hashWorker: "hash"
        case .writer: "writer"
        }
    }

    /// The file name of the role's program, next to the supervisor's own.
    package var programName: String {
        switch self {
        case .supervisor: "supervisor"
        case .peerWorker: "peer-worker"
        case .hashWorker: "hash-worker"
        case .writer: "writer"
        }
    }
}

/// A seat in the pool, filled by one process at a time: the second hash-worker is `hash.1` through all its lives.
package struct Place: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let role: Role
    /// From 0 within the role.
    package let ordinal: UInt16

    package init(_ role: Role, _ ordinal: Int) {
        self.role = role
        self.ordinal = UInt16(ordinal)
    }

    package var description: String { "\(role.name).\(ordinal)" }

    package static func < (left: Place, right: Place) -> Bool {
        (left.role.rawValue, left.ordinal) < (right.role.rawValue, right.ordinal)
    }
}

/// One life of a place: a process. A message is believed only from the life that the receiver was told of.
package struct Incarnation: Hashable, Sendable, CustomStringConvertible {
    package let place: Place
    /// From 1; grows by one with every replacement, so that a late message of a dead process is known as such.
    package let generation: UInt32

    package init(_ place: Place, generation: UInt32) {
        self.place = place
        self.generation = generation
    }

    /// The ZeroMQ routing id; unique over the life of the run (a repeated id aborts libzmq's router).
    package var routingID: [UInt8] { Array(description.utf8) }
    package var description: String { "\(place).\(generation)" }

    /// Reads what `description` writes.
    package init?(routingID: some Collection<UInt8>) {
        let parts = String(decoding: routingID, as: UTF8.self).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let role = Role.allCases.first(where: { $0.name == parts[0] }),
            let ordinal = UInt16(parts[1]), let generation = UInt32(parts[2])
        else { return nil }
        self.init(Place(role, Int(ordinal)), generation: generation)
    }
}
