import BitTorrent
import PoolProtocol
import TestSupport
import Testing

@testable import Supervisor

/// A talk with the book of one torrent's peers.
struct PeerBookTalk {
    private(set) var book: PeerBook
    private var clock = FakeClock()

    init(torrent: UInt16 = 0, mostPeers: Int = 100, workers: Int = 1, capacity: Int = 1000) {
        book = PeerBook(
            torrent: torrent, ownID: PeerBookTalk.id(0), ownAddresses: [], mostPeers: mostPeers, now: clock.now,
            generator: SeededGenerator(seed: 1))
        for worker in 0..<workers { _ = tell { $0.workerReady(worker, capacity: capacity, now: $1, into: &$2) } }
    }

    static func id(_ number: UInt8) -> PeerID { PeerID(Array(repeating: number, count: 20)) }
    /// 10.0.NETWORK.HOST
    static func address(_ host: Int, network: Int = 0, port: UInt16 = 6881) -> PeerAddress {
        PeerAddress(v4: 0x0A00_0000 + UInt32(network << 8) + UInt32(host), port: port)
    }

    private mutating func tell(
        _ event: (inout PeerBook, MonotonicInstant, inout [PeerBook.Action]) -> Void
    ) -> [PeerBook.Action] {
        book.told(at: clock.now, event)
    }

    mutating func learned(_ addresses: [PeerAddress], from origin: KnownPeers.Origin = .tracker) -> [PeerBook.Action] {
        tell { $0.learned(addresses, from: origin, now: $1, into: &$2) }
    }
    mutating func wait(_ duration: Duration) -> [PeerBook.Action] {
        clock.advance(by: duration)
        return tell { $0.connectMore(now: $1, into: &$2) }
    }
    mutating func workerLost(_ worker: Int, wasLiar: Bool = false) -> [PeerBook.Action] {
        tell { $0.workerLost(worker, wasLiar: wasLiar, now: $1, into: &$2) }
    }
    mutating func connected(
        _ peer: UInt32, _ address: PeerAddress, id: UInt8, at worker: Int = 0, isIncoming: Bool = false
    ) -> [PeerBook.Action] {
        let news = PeerConnected(
            peer: peer, torrent: 0, address: address, isIncoming: isIncoming, remoteID: Self.id(id), client: "test")
        return tell { $0.connected(news, at: worker, now: $1, into: &$2) }
    }
    mutating func closed(
        _ peer: UInt32, _ cause: PeerClosed.Cause, downloaded: UInt64 = 0, at worker: Int = 0
    ) -> [PeerBook.Action] {
        let news = PeerClosed(peer: peer, cause: cause, text: "text", downloadedByteCount: downloaded)
        return tell { $0.closed(news, at: worker, now: $1, into: &$2) }
    }
    mutating func ban(_ peer: UInt32, at worker: UInt16 = 0) -> [PeerBook.Action] {
        tell { book, _, actions in
            book.ban(Contributor(worker: worker, peer: peer), reason: "lies", into: &actions)
        }
    }
    mutating func reported(_ peer: UInt32, isSeed: Bool = false, downloaded: UInt64 = 1, at worker: Int = 0) {
        let report = PeerReport(
            peer: peer, downloadedByteCount: downloaded, uploadedByteCount: 5, downloadRate: 2, uploadRate: 3,
            outstandingRequestCount: 4, isChokingUs: false, isSeed: isSeed, isSnubbed: false, isInterested: false,
            isUnchoked: false)
        book.reported([report], at: worker, isComplete: false, now: clock.now)
    }
    mutating func mayHave(_ most: Int) -> [PeerBook.Action] {
        tell { book, _, actions in book.mayHave(most, into: &actions) }
    }
    /// We want nothing of anybody.
    mutating func closedSeeds() -> [PeerBook.Action] { tell { book, _, actions in book.closeSeeds(into: &actions) } }
}

extension PeerBook {
    /// - Returns: what it wants done.
    mutating func told(
        at now: MonotonicInstant, _ event: (inout PeerBook, MonotonicInstant, inout [Action]) -> Void
    ) -> [Action] {
        var actions: [Action] = []
        event(&self, now, &actions)
        known.checkInvariants()
        return actions
    }
}

extension [PeerBook.Action] {
    /// Who is to connect where: worker, name, address.
    var connects: [String] {
        compactMap {
            if case .connect(let worker, let peer) = $0 { "\(worker) \(peer.peer) \(peer.address)" } else { nil }
        }
    }
    var connectCount: Int { connects.count }
}
