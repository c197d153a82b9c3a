import BitTorrent
import PoolProtocol
import PoolRuntime

/// Misuses the connection to the supervisor.
final class ControlAssault: Assault {
    private let attack: Attack
    private var generator = SystemRandomNumberGenerator()
    private var turnCount = 0
    /// Peers that it says have come to it, and has not said have gone.
    private var peers: [UInt32] = []
    private var latestPeer: UInt32 = 3 << 30

    init(_ attack: Attack) { self.attack = attack }

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        turnCount += 1
        switch attack {
        case .flood: flood(loop)
        case .oversize:
            if turnCount == 2 { loop.inject([UInt8](repeating: 1, count: 2 * Topology.maximumMessageByteCount)) }
        case .nonsense: if turnCount == 2 { loop.inject([UInt8](repeating: 0xEE, count: 40)) }
        case .babble, .overreach: babble(loop)
        default: break
        }
    }

    /// Full batches of a message that every role may send and that asks for nothing.
    private func flood<Order: SupervisorOrder, News: WorkerNews>(_ loop: WorkerLoop<Order, News>) {
        var writer = FrameWriter()
        while writer.byteCount < Topology.batchByteCount { News.descriptorReceived(0).encode(into: &writer) }
        let frame = writer.take()
        while loop.waitingNewsCount < 64 { loop.inject(frame) }
        loop.poll.mustNotWait = true
    }

    private func babble<Order: SupervisorOrder, News: WorkerNews>(_ loop: WorkerLoop<Order, News>) {
        guard turnCount < 500 else { return }
        for _ in 0..<20 {
            var writer = FrameWriter()
            randomNews().encode(into: &writer)
            loop.inject(writer.take())
        }
        loop.poll.mustNotWait = true
    }

    /// Small, or at the edges of what it can be.
    private func number<Number: FixedWidthInteger & UnsignedInteger>(_ type: Number.Type = Number.self) -> Number {
        let small = Number(Int.random(in: 0..<128, using: &generator))
        guard attack == .overreach else { return small }
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: return Number.max
        case 1: return Number.max - small
        case 2: return small
        default: return Number.random(in: 0 ... .max, using: &generator)
        }
    }

    private var overreaches: Bool { attack == .overreach }

    private func randomNews() -> PeerWorkerToSupervisor {
        let torrent = overreaches && Bool.random(using: &generator) ? number(UInt16.self) : 0
        switch Int.random(in: 0..<13, using: &generator) {
        case 0: return .joined
        case 1: return .ready
        case 2:
            let role = overreaches ? Role.allCases.randomElement(using: &generator)! : .hashWorker
            return .replacementSeen(
                ReplacementSeen(
                    newcomer: Incarnation(Place(role, Int(number(UInt8.self))), generation: number()),
                    stillReading: overreaches ? [number(), number()] : []))
        case 3: return .descriptorReceived(number())
        case 4: return .wantBlocks(torrent: torrent, byteCount: number() &* 16384)
        case 5:
            let range = BlockRange(firstBlock: number(), blockCount: number())
            return .grantReturned(
                assignment: number(), [range], ReturnReason.allCases.randomElement(using: &generator)!)
        case 6:
            let counts = (0..<8).map { _ in SourceCount(piece: PieceIndex(Int(number(UInt32.self))), count: number()) }
            return .sourceCounts(torrent: torrent, counts)
        case 7: return .seedCount(torrent: torrent, number())
        case 8: return connected(torrent)
        case 9: return closed()
        // A report of its own would be found out by the true ones.
        case 10, 11: return overreaches ? report() : .drained
        default: return .drained
        }
    }

    private func connected(_ torrent: UInt16) -> PeerWorkerToSupervisor {
        latestPeer += 1
        peers.append(overreaches ? 1 << 31 | number() : latestPeer)
        return .peerConnected(
            PeerConnected(
                peer: peers.last!, torrent: torrent, address: PeerAddress(v4: number(), port: number()),
                isIncoming: true, remoteID: PeerID.random(using: &generator),
                client: String(repeating: "x", count: Int(number(UInt8.self)) % 80)))
    }

    private func closed() -> PeerWorkerToSupervisor {
        peers.shuffle(using: &generator)
        return .peerClosed(
            PeerClosed(
                peer: peers.popLast() ?? number(), cause: PeerClosed.Cause.allCases.randomElement(using: &generator)!,
                text: "babble", downloadedByteCount: number()))
    }

    /// Made from the vocabulary's own sample, so that a new field needs no word here.
    private func report() -> PeerWorkerToSupervisor {
        for case .report(_, var totals, var peers) in PeerWorkerToSupervisor.samples {
            totals.downloadedByteCount = number()
            totals.wastedByteCount = number()
            totals.uploadedByteCount = number()
            totals.freeSlotCount = number()
            for index in peers.indices {
                peers[index].peer = number()
                peers[index].downloadedByteCount = number()
                peers[index].downloadRate = number()
                peers[index].uploadRate = number()
            }
            return .report(torrent: number(), totals, peers)
        }
        return .drained
    }
}
