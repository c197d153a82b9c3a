/// What a connection is called behind `peer:`. Made of what every process knows that hears of the peer, so that all call it
/// alike.
package enum PeerName: Hashable, Sendable, CustomStringConvertible {
    /// `3`: the third address of its torrent that was tried. Numbers come again after 65,535 others.
    case outgoing(UInt16)
    /// `p0.1.5`: the fifth that came to a peer-worker in one of its generations, counted from 0.
    case incoming(worker: UInt16, generation: UInt16, number: UInt32)

    /// In messages, numbers below are the supervisor's: 15 bits of the torrent, then a number of 16 bits. Those from here on
    /// are given by the peer-worker that the peer came to: ten bits of its generation, a number of 21 bits.
    package static let firstIncoming: UInt32 = 1 << 31
    package static let outgoingBitCount: UInt32 = 16
    package static let incomingBitCount: UInt32 = 21

    /// - Parameters:
    ///   - worker: ordinal of the peer-worker.
    ///   - number: as messages have it.
    package init(worker: UInt16, number: UInt32) {
        guard number >= Self.firstIncoming else {
            self = .outgoing(UInt16(truncatingIfNeeded: number))
            return
        }
        let generation = (number & ~Self.firstIncoming) >> Self.incomingBitCount
        self = .incoming(
            worker: worker, generation: UInt16(generation), number: number & (1 << Self.incomingBitCount - 1))
    }

    package var description: String {
        switch self {
        case .outgoing(let number): "\(number)"
        case .incoming(let worker, let generation, let number):
            "\(Place(.peerWorker, Int(worker))).\(generation).\(number)"
        }
    }

    /// Reads what `description` writes.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        switch parts.count {
        case 1:
            guard let only = UInt16(digits: parts[0]) else { return nil }
            self = .outgoing(only)
        case 3:
            guard let place = Place(parts[0]), place.role == .peerWorker,
                let generation = UInt16(digits: parts[1]), let count = UInt32(digits: parts[2])
            else { return nil }
            self = .incoming(worker: place.ordinal, generation: generation, number: count)
        default: return nil
        }
    }

    /// The number again, without the torrent.
    package var number: UInt32 {
        switch self {
        case .outgoing(let number): UInt32(number)
        case .incoming(_, let generation, let number):
            Self.firstIncoming | UInt32(generation) << Self.incomingBitCount | number
        }
    }
}
