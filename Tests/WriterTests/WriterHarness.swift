import BitTorrent
import CLinux
import Foundation
import Glibc
import PoolProtocol
import PoolRuntime

/// A real writer process with the test as its supervisor and as its one hash-worker.
final class WriterHarness {
    struct TimedOut: Error { let heard: [WriterToSupervisor] }
    /// The process ended while something was awaited from it.
    struct Died: Error {}

    let rig: DiskRig
    let region: RegionMapping
    private(set) var generation: UInt32 = 0
    /// All that the writer said and nobody has waited for yet.
    private(set) var news: [WriterToSupervisor] = []
    private(set) var answers: [AssignmentID] = []
    private(set) var child: ChildProcess?
    private let page: OwnedDescriptor
    private let status: StatusPageReader
    private let memory: OwnedDescriptor
    private let listener: OwnedDescriptor
    private let context: ZMQContext
    private let control: ZMQSocket
    private var data: ZMQSocket?
    private var lifeline: Lifeline?
    private var nextDescriptor: UInt32 = 1

    var writer: Incarnation { Incarnation(Place(.writer, 0), generation: generation) }
    var hashWorker: Incarnation { Incarnation(Place(.hashWorker, 0), generation: generation) }

    /// The writer's program, next to the tests'.
    static var program: String? {
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            return nil
        }
        let folder = URL(fileURLWithPath: program).deletingLastPathComponent().path
        let path =
            CommandLine.arguments.first { $0.hasSuffix(".xctest") }
            .map { URL(fileURLWithPath: $0).deletingLastPathComponent().path } ?? folder
        return [folder, path].map { $0 + "/writer" }.first { access($0, X_OK) == 0 }
    }

    init(_ table: FileTable) throws {
        rig = try DiskRig(table, prepared: false)
        page = try RegionMapping.makeRegion(name: "page", byteCount: StatusPage.byteCount)
        status = StatusPageReader(
            try RegionMapping(descriptor: page.rawValue, byteCount: StatusPage.byteCount, access: .readOnly))
        memory = try RegionMapping.makeRegion(name: "assembly", byteCount: 4 << 20)
        region = try RegionMapping(descriptor: memory.rawValue, byteCount: 4 << 20, access: .readWrite)
        listener = OwnedDescriptor(try checked("listen", clinux_listen_unix(rig.root + "/w.sock")))
        context = try ZMQContext()
        control = try Self.socket(context, named: "supervisor")
        try control.bind(path: "\(rig.root)/\(Endpoints.control)")
    }

    /// Takes the dead child away: an exit test waits for ever while one that is not its own lies about.
    deinit {
        guard let child else { return }
        child.kill()
        var watched = pollfd(fd: child.pidfd.rawValue, events: Int16(POLLIN), revents: 0)
        poll(&watched, 1, 5000)
        _ = try? child.reap()
    }

    private static func socket(_ context: ZMQContext, named name: String) throws -> ZMQSocket {
        try ZMQSocket(
            context, .router, routingID: Array(name.utf8),
            maximumMessageByteCount: Topology.maximumMessageByteCount, highWaterMark: Topology.highWaterMark)
    }

    private var sanitizerOptions: [String] {
        ProcessInfo.processInfo.environment.filter { $0.key.hasSuffix("SAN_OPTIONS") }.map { "\($0.key)=\($0.value)" }
    }

    /// Sanitizers cannot work in a sandbox.
    private var sandbox: SandboxMode {
        ProcessInfo.processInfo.environment["SWARMKEEPER_SANDBOX"] == "off" ? .off : .auto
    }

    /// Starts a writer and joins it as a hash-worker.
    /// - Parameter wrapper: words before the program.
    func start(_ program: String, wrapper: [String] = []) throws {
        generation += 1
        let (ours, theirs) = try Lifeline.makePair()
        child = try ChildProcess(
            program: program, arguments: [], wrapper: wrapper,
            environment: ["SWIFT_BACKTRACE=enable=no", "PATH=/usr/bin:/bin"] + sanitizerOptions, lifeline: theirs,
            standardError: STDERR_FILENO)
        lifeline = ours
        let order = LaunchOrder(
            who: writer, runDirectory: rig.root, regionByteCount: 0, tcpListenerCount: 0, heartbeatMilliseconds: 2000,
            pinnedCore: nil, logLevel: 4, adoptsRegion: false, bindAddress: "", connectTimeoutMilliseconds: 0,
            maximumPeerCount: 0, slowMilliseconds: 100, directoryCount: 1, sandbox: SandboxOrder(mode: sandbox))
        let directory = OwnedDescriptor(
            try checked("open", subject: rig.directory, clinux_open(rig.directory, clinux_o_path | O_DIRECTORY, 0)))
        try ours.send(order, descriptors: [listener.rawValue, page.rawValue, directory.rawValue])
        try wait { if case .hello(let hello) = $0 { hello.who == self.writer } else { false } }
        give(.join(JoinOrder(incumbents: [])))
        try wait { $0 == .ready }
        let data = try Self.socket(context, named: hashWorker.description)
        try data.connect(path: rig.root + "/w.sock", as: writer.routingID)
        self.data = data
        let hello = Greeting.hello(Hello(who: hashWorker, pid: UInt32(getpid()))).encoded
        // It cannot be reached when it died a moment ago, which is then found out.
        if data.send(hello, to: writer.routingID) != .sent { try wait(until: { false }) }
    }

    /// Hands over the torrent and the region.
    func setUp() throws {
        let table = try RegionMapping.makeSealed(name: "files", rig.table.encoded())
        func open(_ path: String, _ flags: CInt) throws -> OwnedDescriptor {
            OwnedDescriptor(try checked("open", subject: path, clinux_open(path, flags, 0o644)))
        }
        let directory = try open(rig.directory, clinux_o_path | O_DIRECTORY)
        let journal = try open(rig.root + "/journal", O_RDWR | O_APPEND)
        let lock = try open(rig.root + "/lock", O_RDWR | O_CREAT)
        let names = try pass([table, directory, journal, lock, memory])
        give(.mapRegion(MapRegion(owner: hashWorker, descriptor: names[4], byteCount: 4 << 20)))
        give(
            .addTorrent(
                WriterTorrentSetup(
                    torrent: 7, fileTableDescriptor: names[0], directoryDescriptor: names[1],
                    journalDescriptor: names[2], lockDescriptor: names[3], sync: .batch, allocation: .never)))
        try wait { $0 == .regionMapped(self.hashWorker) }
        try wait { $0 == .torrentReady(torrent: 7) }
    }

    private func pass(_ descriptors: [OwnedDescriptor]) throws -> [UInt32] {
        let names = descriptors.indices.map { nextDescriptor + UInt32($0) }
        nextDescriptor += UInt32(names.count)
        try lifeline!.send(DescriptorsPassed(identifiers: names), descriptors: descriptors.map(\.rawValue))
        for name in names { try wait { $0 == .descriptorReceived(name) } }
        return names
    }

    func give(_ order: SupervisorToWriter) {
        var frame = FrameWriter()
        order.encode(into: &frame)
        _ = control.send(frame.take(), to: writer.routingID)
    }

    func handOver(_ message: HashWorkerToWriter) {
        var frame = FrameWriter()
        message.encode(into: &frame)
        _ = data?.send(frame.take(), to: writer.routingID)
    }

    /// Puts a piece of the torrent into frames.
    func fill(_ frames: [UInt32], piece: Int) {
        let geometry = rig.table.geometry, assembly = AssemblyGeometry(byteCount: 4 << 20)
        let start = geometry.offset(of: PieceIndex(piece))
        for index in 0..<Int(geometry.length(of: PieceIndex(piece))) {
            let place = assembly.offset(ofFrame: frames[index / 65536]) + index % 65536
            region.base.storeBytes(of: rig.byte(at: start + UInt64(index)), toByteOffset: place, as: UInt8.self)
        }
    }

    /// Waits until the writer has said what `isAwaited` accepts, and takes it out.
    func wait(_ isAwaited: (WriterToSupervisor) -> Bool) throws {
        try wait(until: {
            guard let index = news.firstIndex(where: isAwaited) else { return false }
            news.remove(at: index)
            return true
        })
    }

    func wait(until isTrue: () -> Bool) throws {
        let deadline = MonotonicClock.now + .seconds(20)
        while !isTrue() {
            guard MonotonicClock.now < deadline else { throw TimedOut(heard: news) }
            guard isRunning else { throw Died() }
            try listen()
        }
    }

    /// Takes what has come; waits a little for more.
    private func listen() throws {
        let loop = try PollLoop()
        let end = MonotonicClock.now + .milliseconds(20)
        try loop.watch(control) { [unowned self] in
            _ = control.receive(limit: 64) { _, frame in
                try? WriterToSupervisor.decodeAll(frame) { self.news.append($0) }
            }
            loop.stop()
        }
        if let data {
            try loop.watch(data) { [unowned self] in
                _ = data.receive(limit: 64) { _, frame in
                    guard (try? Greeting(frame: frame)) == .some(nil) else { return }
                    try? WriterToHashWorker.decodeAll(frame) { message in
                        if case .writesAnswered(let assignments) = message { self.answers += assignments }
                    }
                }
                loop.stop()
            }
        }
        loop.nextDeadline = { end }
        loop.timerFired = { _ in loop.stop() }
        try? loop.run()
    }

    var isRunning: Bool {
        guard let child else { return false }
        var watched = pollfd(fd: child.pidfd.rawValue, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, 0) == 0
    }

    /// What the status page says.
    var turn: UInt64 { status.turn }
    var diskCall: DiskCall { status.diskCall }

    /// Waits for the process to end. One that strace follows is dead for its pidfd a moment before it can be reaped.
    func ending() throws -> ChildProcess.Ending {
        let deadline = MonotonicClock.now + .seconds(20)
        var watched = pollfd(fd: child!.pidfd.rawValue, events: Int16(POLLIN), revents: 0)
        while MonotonicClock.now < deadline {
            guard poll(&watched, 1, 20_000) == 1 else { break }
            if let ending = try child!.reap() {
                child = nil
                data = nil
                return ending
            }
            sched_yield()
        }
        throw TimedOut(heard: news)
    }
}
