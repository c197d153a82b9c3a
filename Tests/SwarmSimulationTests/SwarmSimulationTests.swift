import BitTorrent
import PoolProtocol
import TestSupport
import Testing

/// Every state machine of the pool in one world. A run is repeated with its seed when SWIFT_DETERMINISTIC_HASHING=1 is in
/// the environment of both: else the order of sets and dictionaries is another in every process.
struct SwarmSimulationTests {
    private func run(
        _ count: Int, kills: ClosedRange<Int>, victims: Role? = nil, limit: Duration = .seconds(900), _ test: String
    ) throws {
        var seeds = SeededGenerator.printing(test)
        for _ in 0..<count {
            let seed = seeds.next()
            var settings = SwarmSettings(seed: seed, kills: kills)
            settings.victims = victims
            let swarm = try Swarm(settings, seed: seed)
            _ = swarm.run(limit: limit)
            if !swarm.complaints.isEmpty { Issue.record("seed \(seed), \(settings): \(swarm.complaints)") }
        }
    }

    @Test(arguments: 1...4) func undisturbedSwarmsDeliverEveryByte(round: Int) throws {
        // None may need the end of a silent peer's connection, after 150 s; of 6,000 the longest took 61 s.
        try run(20, kills: 0...0, limit: .seconds(140), "undisturbedSwarmsDeliverEveryByte \(round)")
    }

    @Test(arguments: 1...8) func swarmsDeliverEveryByteWhoeverDies(round: Int) throws {
        try run(20, kills: 1...12, "swarmsDeliverEveryByteWhoeverDies \(round)")
    }

    @Test(arguments: [Role.peerWorker, .hashWorker, .writer])
    func swarmsOutliveManyDeathsOfOneRole(role: Role) throws {
        try run(20, kills: 10...25, victims: role, "swarmsOutliveManyDeathsOfOneRole \(role)")
    }

    /// Rarest first opens the pieces that only the slow seed has before all others, and fills the memory with them
    /// (docs/decisions/0007).
    @Test(arguments: [1, 2]) func slowSeedHoldsUpNoMoreThanItsOwnPieces(peerWorkers: Int) throws {
        var settings = SwarmSettings()
        settings.torrent = try SwarmTorrent(pieceByteCount: 262_144, fileByteCounts: [30 * 262_144])
        settings.peers = [.seed, .seed, .seed]
        settings.peerWorkers = peerWorkers
        // Eight pieces; only the slow seed has ten of the thirty.
        settings.frames = 32
        settings.slots = 40
        let swarm = try Swarm(settings, seed: 1)
        let peers = swarm.peers.values.sorted { $0.address.description < $1.address.description }
        for peer in peers.dropFirst() {
            peer.bytesPerSecond = 200_000
            for piece in 0..<10 { peer.pieces.remove(PieceIndex(piece)) }
        }
        peers[0].bytesPerSecond = 25_000
        let duration = try #require(swarm.run())
        #expect(swarm.complaints == [])
        #expect(duration.inSeconds < 1.15 * 10 * 262_144 / 25_000)
    }

    @Test func quickSwarmWithoutTroubleIsQuick() throws {
        var settings = SwarmSettings()
        settings.checksEverything = true
        let swarm = try Swarm(settings, seed: 1)
        let duration = try #require(swarm.run())
        #expect(swarm.complaints == [])
        // 600 KB from two seeds, and a second until the writer's sync.
        #expect(duration < .seconds(25))
    }
}
