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

    /// What names of its places begin with.
    fileprivate var letter: Unicode.Scalar {
        switch self {
        case .supervisor: "s"
        case .peerWorker: "p"
        case .hashWorker: "h"
        case .writer: "w"
        }
    }

    /// There is one process of the role, which needs no number.
    fileprivate var isSingle: Bool { self == .supervisor || self == .writer }

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

/// A seat in the pool, filled by one process at a time: the second hash-worker is `h1` through all its lives.
package struct Place: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let role: Role
    /// From 0 within the role.
    package let ordinal: UInt16

    package init(_ role: Role, _ ordinal: Int) {
        self.role = role
        self.ordinal = UInt16(ordinal)
    }

    /// Its name in logs, in `ps` and at the control socket: `p0`, `h1`, `w`.
    package var description: String { ordinal == 0 && role.isSingle ? "\(role.letter)" : "\(role.letter)\(ordinal)" }

    /// Reads what `description` writes.
    package init?(_ text: some StringProtocol) { self.init(utf8: text.utf8) }

    fileprivate init?(utf8 bytes: some Collection<UInt8>) {
        guard let first = bytes.first, let role = Role.allCases.first(where: { $0.letter.value == first }) else {
            return nil
        }
        let digits = bytes.dropFirst()
        if digits.isEmpty, role.isSingle {
            self.init(role, 0)
        } else {
            guard let ordinal = UInt16(digits: digits) else { return nil }
            self.init(role, Int(ordinal))
        }
    }

    package static func < (left: Place, right: Place) -> Bool {
        (left.role.rawValue, left.ordinal) < (right.role.rawValue, right.ordinal)
    }
}

/// One life of a place, `p0.3`: a process. A message is believed only from the life that the receiver was told of.
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

    /// Reads what `description` writes. No text is made of it: this is done for every frame that comes.
    package init?(routingID bytes: UnsafeRawBufferPointer) {
        guard let point = bytes.firstIndex(of: UInt8(ascii: ".")), let place = Place(utf8: bytes[..<point]),
            let generation = UInt32(digits: bytes[(point + 1)...])
        else { return nil }
        self.init(place, generation: generation)
    }
}
