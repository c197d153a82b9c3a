import BitTorrent
import Logging
import PoolProtocol
import PoolRuntime
import TestSupport

@testable import PeerWorker

/// What one run of the swarm of our own peers is like.
struct MemberSwarmSettings {
    /// What a member's line carries, in bytes a second.
    struct Line {
        var up: Int
        var down: Int
    }

    enum SeedStays {
        case always
        /// It leaves as soon as the others have every piece between them.
        case untilAllIsOut
    }

    var memberCount = 200
    var pieceByteCount = 32_768
    var pieceCount = 128
    /// Members have these lines in turn.
    var lines = [
        Line(up: 20_000, down: 160_000), Line(up: 40_000, down: 160_000), Line(up: 60_000, down: 320_000),
        Line(up: 120_000, down: 480_000), Line(up: 240_000, down: 960_000),
    ]
    var seedLine = Line(up: 1_000_000, down: 1_000_000)
    var seedStays = SeedStays.always
    /// Pieces that a member may have in hand: few beside those of the torrent, as usual.
    var openPieceCount = 40
    /// Connections of a member.
    var mostPeers = 16
    /// Members come one after another within so long.
    var arrivals: Duration = .seconds(5)

    var byteCount: Int { pieceCount * pieceByteCount }
    func line(of leecher: Int) -> Line { lines[leecher % lines.count] }

    /// Seconds that no protocol can do without (Kumar and Ross, "Peer-assisted file distribution: the minimum distribution
    /// time"): the seed has to send everything once, everybody has to receive everything, and all that is received has
    /// to be sent. Members that leave take their line with them; then it may take longer.
    var bound: Double {
        let bytes = Double(byteCount)
        let ups = (0..<memberCount).reduce(0) { $0 + line(of: $1).up }
        let slowest = lines.map(\.down).min()!
        return max(
            bytes / Double(seedLine.up), bytes / Double(slowest),
            Double(memberCount) * bytes / Double(ups + seedLine.up))
    }
}

/// A swarm in which everybody is this client: the state machines of its supervisor and its peer-worker, on simulated time
/// and lines of given rates. Payload is zeros, and a piece that has come is a right one: memory, hashes and disks have
/// their own simulation.
final class MemberSwarm {
    let settings: MemberSwarmSettings
    let queue = EventQueue()
    var dice: SeededGenerator
    let metainfo: Metainfo
    let files: FileMap
    /// One for all, since nobody reads what lies in it.
    let memory: SharedMemory
    let poll: PollLoop
    let chronicle = Chronicle(
        Logger(label: "member") { _ in SwiftLogNoOpLogHandler() }, trail: nil, clock: { .distantPast })
    private(set) var members: [SwarmMember] = []
    private var byAddress: [PeerAddress: SwarmMember] = [:]
    private(set) var complaints: [String] = []
    private(set) var start = MonotonicInstant.distantPast
    /// Pieces that a leecher has.
    private var out: PieceSet

    static let slotCount = 64

    init(_ settings: MemberSwarmSettings, seed: UInt64) throws {
        self.settings = settings
        dice = SeededGenerator(seed: seed)
        metainfo = try TorrentBuilder(
            pieceByteCount: settings.pieceByteCount, .single([UInt8](repeating: 0, count: settings.byteCount))
        ).metainfo()
        files = try FileMap(
            FileTable(
                infoHash: metainfo.infoHash, geometry: metainfo.geometry,
                files: [FileTable.Entry(kind: .pad, path: "", offset: 0, byteCount: UInt64(settings.byteCount))],
                partsPath: "", partsRuns: []), hasPaths: false)
        memory = SharedMemory(byteCount: Self.slotCount * IntakeGeometry.slotByteCount)
        poll = try PollLoop()
        out = PieceSet(pieceCount: metainfo.geometry.pieceCount)
        for number in 0...settings.memberCount {
            let line = number == 0 ? settings.seedLine : settings.line(of: number - 1)
            let member = try SwarmMember(number, line, isSeed: number == 0, self)
            members.append(member)
            byAddress[member.address] = member
        }
    }

    var now: MonotonicInstant { queue.now }
    func complain(_ text: String) { if complaints.count < 5 { complaints.append("\(now.nanoseconds): \(text)") } }

    /// Who listens there.
    func member(at address: PeerAddress) -> SwarmMember? { byAddress[address].flatMap { $0.isThere ? $0 : nil } }

    /// What a tracker would answer.
    func someAddresses(for member: SwarmMember) -> [PeerAddress] {
        Array(members.filter { $0.isThere && $0 !== member }.map(\.address).shuffled(using: &dice).prefix(50))
    }

    /// A leecher has a piece more.
    func gained(_ piece: PieceIndex) {
        out.insert(piece)
        if out.isFull, settings.seedStays == .untilAllIsOut { members[0].leave() }
    }

    // MARK: A run

    var leechers: ArraySlice<SwarmMember> { members.dropFirst() }

    /// - Returns: seconds until the last leecher had everything; nil when it took longer than `limit`.
    func run(limit: Duration) -> Double? {
        start = now
        for member in members {
            let delay = member.isSeed ? 0 : Int64.random(in: 0...settings.arrivals.wholeNanoseconds, using: &dice)
            queue.plan(at: start + .nanoseconds(delay)) { member.arrive() }
        }
        while leechers.contains(where: { $0.completedAt == nil }) {
            guard now - start < limit, complaints.isEmpty else {
                complain("\(leechers.count { $0.completedAt == nil }) are not complete: \(unfinished)")
                return nil
            }
            for _ in 0..<1000 { queue.step() }
        }
        return (leechers.compactMap(\.completedAt).max()! - start).inSeconds
    }

    private var unfinished: String {
        leechers.filter { $0.completedAt == nil }.prefix(3).map(\.state).joined(separator: "; ")
    }
}
