import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import PoolRuntime

/// A peer-worker's place in its pool: hands orders and answers to the process, and sends what that has gathered. Knows
/// nothing of peers; of hash-workers it knows which process may be sent to.
final class PeerWorkerLoop {
    typealias Loop = WorkerLoop<SupervisorToPeerWorker, PeerWorkerToSupervisor>

    private let loop: Loop
    private let process: PeerWorkerProcess

    /// Ends the process when it cannot begin.
    init(_ loop: Loop) {
        let launch = loop.launch
        self.loop = loop
        do throws(SystemCallError) {
            process = try PeerWorkerProcess(
                try Self.settings(launch), poll: loop.poll, region: try Self.region(launch),
                chronicle: launch.chronicle,
                clock: { MonotonicClock.now })
        } catch {
            WorkerLaunch.fail(.startFailed, "\(launch.order.who.place): \(error)")
        }
    }

    private static func settings(_ launch: WorkerLaunch) throws(SystemCallError) -> PeerWorkerProcess.Settings {
        for listener in launch.tcpListeners { try checked("fcntl", clinux_set_nonblocking(listener, 1)) }
        // A connection too many would cost the pool's own sockets theirs.
        let descriptors = max(1, DescriptorLimit.current - DescriptorLimit.reserve)
        return PeerWorkerProcess.Settings(
            ordinal: launch.order.who.place.ordinal, generation: launch.order.who.generation,
            maximumPeerCount: min(Int(launch.order.maximumPeerCount), descriptors),
            connectTimeout: .milliseconds(Int(launch.order.connectTimeoutMilliseconds)),
            bindAddress: launch.order.bindAddress, listeners: launch.tcpListeners)
    }

    private static func region(_ launch: WorkerLaunch) throws(SystemCallError) -> IntakeRegion {
        guard let memory = launch.region else { throw SystemCallError("mmap", EBADF, subject: "no intake region came") }
        return IntakeRegion(base: memory.base, geometry: IntakeGeometry(byteCount: memory.byteCount))
    }

    /// Runs until the process ends.
    func run() -> Never {
        loop.orderReceived = { [unowned self] in received($0) }
        loop.frameReceived = { [unowned self] (sender, frame) throws(PoolCodecError) in
            try HashWorkerToPeerWorker.decodeAll(frame) { received($0, from: sender) }
        }
        loop.neighbourJoined = { [unowned self] in process.assemblerJoined($0, now: process.clock()) }
        loop.becameReady = { [unowned self] in process.ready() }
        loop.nextDeadline = { [unowned self] in process.nextDeadline }
        loop.timerFired = { [unowned self] in process.timerFired(now: $0) }
        loop.turnEnding = { [unowned self] in
            process.endTurn()
            if process.takeWork() { loop.launch.status.worked() }
            loop.launch.status.resent(blockCount: process.resentBlockCount)
        }
        loop.restAfterTurn = { [unowned self] in
            process.pace.turnEnded(bytesPerSecond: process.torrents.values.reduce(0) { $0 + $1.bytesPerSecond })
        }
        loop.heldCount = { [unowned self] in process.intake.slots.slotCount - process.intake.slots.freeCount }
        process.post = { [unowned self] in send(&$0) }
        loop.run()
    }

    private func received(_ order: SupervisorToPeerWorker) {
        switch order {
        case .workerReplaced(let newcomer):
            // From here on nothing of an older generation is listened to, so the answer is true when it leaves.
            loop.replaced(by: newcomer)
            loop.tell(.replacementSeen(ReplacementSeen(newcomer: newcomer)))
        case .workerGivenUp(let place): loop.gaveUp(place)
        case .addTorrent(let setup): return process.add(setup, state: state(of: setup), files: files(of: setup))
        case .filesOpened(let torrent, let files):
            return process.opened(files, of: torrent) { loop.takeDescriptor($0) }
        default: break
        }
        process.handle(order, now: process.clock())
    }

    private func state(of setup: PeerTorrentSetup) -> [UInt8] {
        guard let descriptor = loop.takeDescriptor(setup.stateDescriptor) else {
            loop.breakDown("a torrent's state was named before it was passed")
        }
        do throws(SystemCallError) {
            return try RegionMapping.contents(of: descriptor.rawValue)
        } catch { loop.breakDown("a torrent's state cannot be read (\(error))") }
    }

    private func files(of setup: PeerTorrentSetup) -> FileMap {
        guard let descriptor = loop.takeDescriptor(setup.fileTableDescriptor) else {
            loop.breakDown("a torrent's files were named before they were passed")
        }
        do {
            let bytes = try RegionMapping.contents(of: descriptor.rawValue)
            return try bytes.withUnsafeBytes { try FileMap(try FileTable(decoding: $0), hasPaths: false) }
        } catch { loop.breakDown("a torrent's files cannot be read (\(error))") }
    }

    private func received(_ message: HashWorkerToPeerWorker, from sender: Incarnation) {
        switch message {
        case .hello, .welcome: break  // The loop sees to greetings; inside a batch they mean nothing.
        case .slotsReturned(let answers): process.returned(answers, by: sender.place.ordinal)
        }
    }

    private func send(_ parcel: inout Parcel) {
        for news in parcel.news { loop.tell(news) }
        for batch in parcel.batches { send(batch) }
        if parcel.movedByteCount > 0 { loop.launch.status.moved(byteCount: parcel.movedByteCount) }
        parcel.removeAll()
        if parcel.isLast { loop.stop() }
    }

    /// What cannot be sent is not lost: it stays lent, and goes to the successor when that has joined.
    private func send(_ batch: ReferenceBatches.Batch) {
        guard loop.current(batch.receiver.place) == batch.receiver else { return }
        for part in batch.references.parts(ofAtMost: Topology.maximumListCount) {
            loop.send(PeerWorkerToHashWorker.blocksArrived(part), to: batch.receiver.place)
        }
    }
}
