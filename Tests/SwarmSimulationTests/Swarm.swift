import BitTorrent
import PoolProtocol
import TestSupport

@testable import Supervisor

/// What one run of the simulation is like.
struct SwarmSettings {
    var torrent = SwarmTorrent.shapes[3]
    var hashWorkers = 1
    var peerWorkers = 2
    /// Frames of each hash-worker.
    var frames = 16
    /// Slots of each peer-worker.
    var slots = 16
    var isSequential = false
    var peers: [SimulatedPeer.Kind] = [.seed, .seed]
    /// Processes that are killed, one at a time, and within how long from the start.
    var kills = 0
    var killsWithin: Duration = .seconds(6)
    /// Whose processes are killed; nil: everybody's.
    var victims: Role?
    /// One in so many disk calls fails; 0: none.
    var diskFailsOnceIn = 0
    /// Checks the books after every event.
    var checksEverything = false

    /// Everything at random; always with one honest seed.
    init(seed: UInt64, kills: ClosedRange<Int>) {
        var dice = SeededGenerator(seed: seed)
        torrent = SwarmTorrent.shapes.randomElement(using: &dice)!
        hashWorkers = Int.random(in: 1...2, using: &dice)
        peerWorkers = Int.random(in: 1...3, using: &dice)
        let framesAPiece = AssemblyGeometry.framesNeeded(
            pieceByteCount: torrent.metainfo.geometry.longestPieceByteCount)
        frames = framesAPiece * Int.random(in: 1...6, using: &dice) + Int.random(in: 0..<framesAPiece, using: &dice)
        slots = Int.random(in: 2...40, using: &dice)
        isSequential = dice.oneIn(4)
        let others = (0..<Int.random(in: 0...5, using: &dice)).map { _ in
            SimulatedPeer.Kind.allCases.randomElement(using: &dice)!
        }
        peers = ([.seed] + others).shuffled(using: &dice)
        self.kills = Int.random(in: kills, using: &dice)
        killsWithin = .milliseconds(Int.random(in: 200...5000, using: &dice))
        if dice.oneIn(4) { diskFailsOnceIn = 12 }
        checksEverything = dice.oneIn(8)
    }

    init() {}
}

/// A whole pool, its disk and its peers on simulated time: every process's real state machines, with delays, loss and
/// deaths that a seed decides. Knows what is right and notes what is not.
final class Swarm {
    static let ourID = PeerID(Array("-SK0100-simulation!!".utf8))

    let settings: SwarmSettings
    let queue = EventQueue()
    var dice: SeededGenerator
    var metainfo: Metainfo { settings.torrent.metainfo }
    /// The torrent's bytes.
    var payload: [UInt8] { settings.torrent.payload }
    private(set) var supervisor: SimulatedSupervisor!
    private(set) var disk: SimulatedDisk!
    private(set) var peers: [PeerAddress: SimulatedPeer] = [:]
    private(set) var regions: [Place: SharedMemory] = [:]
    private(set) var descriptors: [UInt32: SharedMemory] = [:]
    private(set) var states: [UInt32: [UInt8]] = [:]
    private(set) var complaints: [String] = []
    private(set) var killCount = 0
    private var processes: [Place: SimulatedWorker] = [:]
    private var nextDescriptor: UInt32 = 1
    private let plan: PoolPlan

    var checksEverything: Bool { settings.checksEverything }
    var diskFailsOnceIn: Int { settings.diskFailsOnceIn }

    init(_ settings: SwarmSettings, seed: UInt64) throws {
        self.settings = settings
        dice = SeededGenerator(seed: seed)
        var plan = try PoolPlan(
            peerWorkers: settings.peerWorkers, hashWorkers: settings.hashWorkers, memory: nil,
            longestPieceByteCount: settings.torrent.metainfo.geometry.longestPieceByteCount)
        plan.assemblyByteCount =
            settings.frames * (AssemblyGeometry.frameByteCount + AssemblyGeometry.headerByteCount) + 4096
        plan.intakeByteCount = settings.slots * IntakeGeometry.slotByteCount
        self.plan = plan
        disk = SimulatedDisk(self, fileByteCounts: settings.torrent.fileByteCounts)
        supervisor = SimulatedSupervisor(
            self, plan: plan, metainfo: metainfo, order: settings.isSequential ? .sequential : .rarestFirst)
        for place in plan.places where place.role == .hashWorker {
            regions[place] = SharedMemory(byteCount: plan.assemblyByteCount)
        }
        for (number, kind) in settings.peers.enumerated() {
            let peer = SimulatedPeer(kind, number: number, self)
            peers[peer.address] = peer
        }
    }

    func complain(_ text: String) { if complaints.count < 5 { complaints.append("\(queue.now.nanoseconds): \(text)") } }

    /// Mostly a fraction of a millisecond; now and then a loop is busy.
    func messageDelay() -> Duration {
        dice.oneIn(25)
            ? .microseconds(Int.random(in: 1000...30_000, using: &dice))
            : .microseconds(Int.random(in: 20...400, using: &dice))
    }

    // MARK: Processes

    func process(_ who: Incarnation) -> SimulatedWorker? {
        guard let process = processes[who.place], process.who == who, process.isRunning else { return nil }
        return process
    }

    func tell(_ place: Place, _ order: PoolOrder) {
        guard let process = processes[place], process.isRunning else { return }
        process.orders.send(order)
    }

    func spawn(_ who: Incarnation, adoptsRegion: Bool) {
        if processes[who.place] != nil { complain("two processes in \(who.place)") }
        do {
            switch who.place.role {
            case .peerWorker:
                let memory = SharedMemory(byteCount: plan.intakeByteCount)
                regions[who.place] = memory
                processes[who.place] = try SimulatedPeerWorker(who, self, memory: memory)
            case .hashWorker:
                processes[who.place] = SimulatedHashWorker(
                    who, self, memory: regions[who.place]!, adoptsRegion: adoptsRegion)
            case .writer: processes[who.place] = SimulatedWriter(who, self)
            case .supervisor: break
            }
        } catch { complain("\(who) cannot be started: \(error)") }
    }

    /// SIGKILL; some milliseconds later the supervisor knows.
    func kill(_ place: Place) {
        guard let process = processes[place], process.isRunning else { return }
        process.kill()
        killCount += 1
        queue.plan(after: .microseconds(Int.random(in: 10...5000, using: &dice))) { [unowned self] in
            processes[place] = nil
            supervisor.reaped(process.who, .killedFromOutside)
        }
    }

    private func killSomebody() {
        guard !supervisor.isComplete else { return }
        let running = processes.values.filter { process in
            process.isRunning && settings.victims.map { $0 == process.who.place.role } ?? true
                && supervisor.wouldReplace(process.who.place)
        }.map(\.who.place).sorted()
        if let place = running.randomElement(using: &dice) { kill(place) }
    }

    // MARK: What is passed over the lifeline

    func describe(_ memory: SharedMemory) -> UInt32 {
        nextDescriptor += 1
        descriptors[nextDescriptor] = memory
        return nextDescriptor
    }

    func peerSetup(state: [UInt8]) -> PeerTorrentSetup {
        nextDescriptor += 1
        states[nextDescriptor] = state
        return PeerTorrentSetup(
            torrent: 0, infoHash: metainfo.infoHash, ourID: Self.ourID, geometry: metainfo.geometry, listenPort: 0,
            isPrivate: false, stateDescriptor: nextDescriptor, fileTableDescriptor: 0)
    }

    let writerSetup = WriterTorrentSetup(
        torrent: 0, fileTableDescriptor: 0, directoryDescriptor: 0, journalDescriptor: 0, lockDescriptor: 0,
        sync: .batch, allocation: .never)

    var fileTable: FileTable {
        FileTable(
            infoHash: metainfo.infoHash, geometry: metainfo.geometry,
            files: metainfo.layout.files.map {
                FileTable.Entry(kind: .wanted, path: $0.path.relative, offset: $0.offset, byteCount: $0.length)
            }, partsPath: "", partsRuns: [])
    }

    // MARK: What is right

    func isRightOnDisk(_ piece: PieceIndex) -> Bool {
        var start = Int(metainfo.geometry.offset(of: piece))
        for span in metainfo.layout.spans(of: piece) {
            let range = start..<start + Int(span.length)
            guard disk.holds(file: span.fileIndex, offset: Int(span.fileOffset), range, of: payload) else {
                return false
            }
            start = range.upperBound
        }
        return true
    }

    func banned(_ address: PeerAddress) {
        if peers[address]?.kind != .lying { complain("\(address) is banned, and has sent nothing wrong") }
    }

    // MARK: The run

    private var isAtRest: Bool {
        supervisor.isAtRest
            && processes.values.allSatisfy { process in
                switch process {
                case let worker as SimulatedHashWorker: worker.isAtRest
                case let worker as SimulatedPeerWorker: worker.isAtRest
                default: true
                }
            }
    }

    private var restlessness: String {
        processes.values.sorted { $0.who.place < $1.who.place }.compactMap { process in
            switch process {
            case let worker as SimulatedHashWorker: worker.restlessness
            case let worker as SimulatedPeerWorker: worker.restlessness
            default: nil
            }
        }.joined(separator: "; ")
    }

    /// Downloads everything and lets the pool come to rest.
    /// - Returns: the simulated time that the download took; nil when it never ended.
    func run(limit: Duration = .seconds(900)) -> Duration? {
        let start = queue.now
        for _ in 0..<settings.kills {
            let moment = Int64.random(in: 0..<settings.killsWithin.wholeNanoseconds, using: &dice)
            queue.plan(at: start + .nanoseconds(moment)) { [unowned self] in killSomebody() }
        }
        supervisor.start(peers.keys.sorted { $0.description < $1.description })
        while !supervisor.isComplete {
            guard queue.now - start < limit, complaints.isEmpty, supervisor.failedRoles.isEmpty else {
                complain(
                    "not finished after \((queue.now - start).inSeconds) s: \(supervisor.restlessness); \(restlessness)"
                )
                return nil
            }
            queue.step()
        }
        let duration = queue.now - start
        checkEnd()
        return duration
    }

    private func checkEnd() {
        for piece in (0..<metainfo.geometry.pieceCount).map({ PieceIndex($0) }) {
            if !isRightOnDisk(piece) { complain("piece \(piece) is wrong in the end") }
            if !disk.journal.contains(piece) { complain("piece \(piece) is not in the journal") }
        }
        // Answers, closed connections and late successors need a moment.
        let end = queue.now + .seconds(20)
        while queue.now < end, !isAtRest { queue.step() }
        if !isAtRest { complain("no rest: \(supervisor.restlessness); \(restlessness)") }
    }
}
