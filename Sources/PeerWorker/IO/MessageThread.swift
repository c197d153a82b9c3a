import BitTorrent
import CLinux
import Glibc
import NIOCore
import NIOPosix
import PoolProtocol
import PoolRuntime

/// The main thread of a peer-worker: owns the ZeroMQ sockets and the lifeline (in `WorkerLoop`), and passes batches to
/// and from the connections' loop. Knows nothing of peers; of hash-workers it knows which process may be sent to.
final class MessageThread {
    typealias Loop = WorkerLoop<SupervisorToPeerWorker, PeerWorkerToSupervisor>

    private let loop: Loop
    private let mailbox: Mailbox
    private let process: NIOLoopBound<PeerWorkerProcess>
    private let connectionsLoop: any EventLoop
    private var watch: LoopWatch
    private var events: [Mailbox.Event] = []
    private var parcel = Mailbox.Parcel()

    /// Starts the connections' thread; ends the process when that fails.
    init(_ loop: Loop) {
        let launch = loop.launch
        let connectionsLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        self.loop = loop
        self.connectionsLoop = connectionsLoop
        watch = LoopWatch(heartbeat: .milliseconds(Int(launch.order.heartbeatMilliseconds)))
        do {
            let mailbox = Mailbox(wakeDescriptor: try checked("eventfd", clinux_eventfd()))
            let (settings, region, logger) = (try Self.settings(launch), try Self.region(launch), launch.logger)
            self.mailbox = mailbox
            process = try connectionsLoop.submit {
                let process = try PeerWorkerProcess(
                    settings, eventLoop: connectionsLoop, mailbox: mailbox, region: region, logger: logger,
                    clock: { MonotonicClock.now })
                return NIOLoopBound(process, eventLoop: connectionsLoop)
            }.wait()
        } catch {
            WorkerLaunch.fail(.startFailed, "\(launch.order.who.place): \(error)")
        }
    }

    private static func settings(_ launch: WorkerLaunch) throws(SystemCallError) -> PeerWorkerProcess.Settings {
        for listener in launch.tcpListeners { try checked("fcntl", clinux_set_nonblocking(listener, 1)) }
        return PeerWorkerProcess.Settings(
            maximumPeerCount: Int(launch.order.maximumPeerCount),
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
        loop.neighbourJoined = { [unowned self] in events.append(.assemblerJoined($0)) }
        loop.becameReady = { [unowned self] in events.append(.ready) }
        loop.mayCountTurn = { [unowned self] in mayCountTurn(now: $0) }
        loop.turnEnding = { [unowned self] in turnEnding() }
        loop.poll.watch(descriptor: mailbox.wakeDescriptor) { [unowned self] _ in mailbox.silence() }
        loop.run()
    }

    private func received(_ order: SupervisorToPeerWorker) {
        switch order {
        case .workerReplaced(let newcomer):
            // From here on nothing of an older generation is listened to, so the answer is true when it leaves.
            loop.replaced(by: newcomer)
            loop.tell(.replacementSeen(ReplacementSeen(newcomer: newcomer)))
            events.append(.assemblerReplaced(newcomer))
        case .workerGivenUp(let place):
            loop.gaveUp(place)
            events.append(.order(order))
        case .addTorrent(let setup): events.append(.torrentAdded(setup, state: state(of: setup)))
        default: events.append(.order(order))
        }
    }

    private func state(of setup: PeerTorrentSetup) -> [UInt8] {
        guard let descriptor = loop.takeDescriptor(setup.stateDescriptor) else {
            loop.breakDown("a torrent's state was named before it was passed")
        }
        do throws(SystemCallError) {
            return try RegionMapping.contents(of: descriptor.rawValue)
        } catch { loop.breakDown("a torrent's state cannot be read (\(error))") }
    }

    private func received(_ message: HashWorkerToPeerWorker, from sender: Incarnation) {
        switch message {
        case .hello, .welcome: break  // The loop sees to greetings; inside a batch they mean nothing.
        case .slotsReturned(let answers):
            events.append(.slotsReturned(assembler: sender.place.ordinal, answers))
        }
    }

    private func mayCountTurn(now: MonotonicInstant) -> Bool {
        if let ping = watch.beat(answered: mailbox.lastAnsweredPing, now: now) { events.append(.ping(ping)) }
        return watch.isTurning(now: now)
    }

    private func turnEnding() {
        if mailbox.post(&events) {
            let process = process
            connectionsLoop.execute { process.value.postArrived() }
        }
        mailbox.take(into: &parcel)
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
