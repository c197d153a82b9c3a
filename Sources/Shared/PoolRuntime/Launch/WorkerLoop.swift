package import BitTorrent
import Glibc
package import PoolProtocol

/// Owns a worker's sockets and its loop: the join, greetings, descriptors, batches, and the turn that the status page
/// counts. Knows nothing of blocks or pieces: orders and neighbours' frames go to the role's handlers.
package final class WorkerLoop<Order: SupervisorOrder, News: WorkerNews> {
    package let launch: WorkerLaunch
    package let poll: PollLoop

    /// An order other than `join`.
    package var orderReceived: (Order) -> Void = { _ in }
    /// A data frame of a neighbour that is current and has joined.
    package var frameReceived: (Incarnation, UnsafeRawBufferPointer) throws(PoolCodecError) -> Void = { _, _ in }
    /// A neighbour can be sent to from now on.
    package var neighbourJoined: (Incarnation) -> Void = { _ in }
    /// The join is complete and `ready` was said.
    package var becameReady: () -> Void = {}
    /// After the turn's handlers and before its messages leave.
    package var turnEnding: () -> Void = {}
    /// How long nothing is looked at after a turn: what comes meanwhile is found together.
    package var restAfterTurn: () -> Duration = { .zero }
    /// At the end of every turn once `ready` was said, before messages leave; for `Sources/Shared/SelfTest` alone.
    package var misbehave: (() -> Void)?
    /// Slots, frames or pieces in use, for the status page.
    package var heldCount: () -> Int = { 0 }
    /// The role's own timer.
    package var nextDeadline: () -> MonotonicInstant = { .distantFuture }
    package var timerFired: (MonotonicInstant) -> Void = { _ in }

    private let context: ZMQContext
    private let control: ZMQSocket
    private let data: ZMQSocket
    var controlOutbox = Outbox()
    private var receivedOrderCount: UInt64 = 0
    var dataOutboxes: [Incarnation: Outbox] = [:]
    var neighbours = Neighbours()
    private var edges: EdgeWatch
    /// Neighbours that the supervisor was asked to replace: nothing of them counts any more.
    private var accused: Set<Incarnation> = []
    private var isReady = false
    private var descriptors: [UInt32: OwnedDescriptor] = [:]
    private var nextBeat = MonotonicInstant.distantPast
    private var retryAt = MonotonicInstant.distantFuture
    private let heartbeat: Duration

    /// Messages taken from one socket in a turn before the others get theirs.
    private static var receiveLimit: Int { 64 }

    package init(_ launch: WorkerLaunch) {
        self.launch = launch
        heartbeat = .milliseconds(Int(launch.order.heartbeatMilliseconds)) / 2
        edges = EdgeWatch(heartbeat: heartbeat * 2)
        let who = launch.order.who
        do throws(SystemCallError) {
            poll = try PollLoop()
            context = try ZMQContext()
            data = try ZMQSocket(
                context, .router, routingID: who.routingID,
                maximumMessageByteCount: Topology.maximumMessageByteCount, highWaterMark: Topology.highWaterMark)
            try data.adoptListener(
                launch.listener, path: "\(launch.order.runDirectory)/\(Endpoints.listener(of: who.place))")
            control = try ZMQSocket(
                context, .dealer, routingID: who.routingID,
                maximumMessageByteCount: Topology.maximumMessageByteCount, highWaterMark: Topology.highWaterMark)
            try control.connect(path: "\(launch.order.runDirectory)/\(Endpoints.control)")
            try context.awaitReaper()
        } catch {
            WorkerLaunch.fail(.startFailed, "\(who.place): \(error)")
        }
        tell(.hello(Hello(who: who, pid: UInt32(getpid()))))
    }

    /// Runs until the process ends.
    package func run() -> Never {
        poll.turnBegan = { [unowned self] now in
            launch.status.turnBegan(now: now)
            nextBeat = now + heartbeat
        }
        poll.handlerBegan = { [status = launch.status] in status.handles($0, now: MonotonicClock.now) }
        poll.nextDeadline = { [unowned self] in min(nextBeat, retryAt, nextDeadline()) }
        poll.timerFired = { [unowned self] now in if now >= nextDeadline() { timerFired(now) } }
        poll.turnEnded = { [unowned self] in
            turnEnding()
            watchEdges()
            if let misbehave, isReady { misbehave() }
            flush()
            launch.status.holds(heldCount())
            launch.status.counted(sentNews: controlOutbox.frameCount, receivedOrders: receivedOrderCount)
            launch.status.sent(messageCount: control.sentMessageCount + data.sentMessageCount)
            launch.status.turnEnded(now: MonotonicClock.now)
            let rest = restAfterTurn()
            if !poll.mustNotWait { MonotonicClock.sleep(rest) }
        }
        do throws(SystemCallError) {
            try poll.watch(control) { [unowned self] in receiveOrders() }
            try poll.watch(data) { [unowned self] in receiveFrames() }
            try poll.watch(descriptor: launch.lifeline.descriptor.rawValue) { [unowned self] _ in receiveDescriptors() }
            try poll.run()
        } catch {
            WorkerLaunch.fail(.startFailed, "\(launch.order.who.place): \(error)")
        }
        exit(WorkerExit.orderly.rawValue)
    }

    /// Calls `handler` in each turn in which the descriptor is readable; ends the process if that cannot be arranged.
    package func watch(descriptor: CInt, _ handler: @escaping () -> Void) {
        do throws(SystemCallError) { try poll.watch(descriptor: descriptor) { _ in handler() } } catch {
            WorkerLaunch.fail(.startFailed, "\(launch.order.who.place): \(error)")
        }
    }

    /// Sends the last words and ends the loop; `run` then exits 0.
    package func stop() {
        launch.chronicle.note(.stopping)
        flush()
        poll.stop()
    }

    /// Queues news for the supervisor; they leave at the end of the turn.
    package func tell(_ news: News) { controlOutbox.append(news) }

    /// Queues a message for whoever holds the place now.
    /// - Returns: false when the place is empty; the owner keeps the thing.
    @discardableResult
    package func send(_ message: some PoolMessage, to place: Place) -> Bool {
        guard let receiver = neighbours.current(place) else { return false }
        dataOutboxes[receiver, default: Outbox()].append(message)
        return true
    }

    /// Batches that wait for a neighbour whose queue is full.
    package func waitingFrameCount(for place: Place) -> Int {
        neighbours.current(place).flatMap { dataOutboxes[$0]?.waitingFrameCount } ?? 0
    }

    /// The current process of a neighbouring place, once it has joined.
    package func current(_ place: Place) -> Incarnation? { neighbours.current(place) }

    /// Everything from and for older generations of the place is dropped from now on.
    package func replaced(by newcomer: Incarnation) {
        launch.chronicle.note(.neighbourReplaced, number: TrailRecord.number(of: newcomer.place), detail: "\(newcomer)")
        neighbours.replaced(by: newcomer)
        dropOutboxes(of: newcomer.place)
    }

    package func gaveUp(_ place: Place) {
        launch.chronicle.note(.neighbourGivenUp, number: TrailRecord.number(of: place))
        neighbours.gaveUp(place)
        dropOutboxes(of: place)
    }

    /// Takes a descriptor that came over the lifeline.
    package func takeDescriptor(_ identifier: UInt32) -> OwnedDescriptor? {
        descriptors.removeValue(forKey: identifier)
    }

    /// A message of our own pool made no sense: this build and its partner do not belong together.
    package func breakDown(_ reason: String) -> Never {
        WorkerLaunch.fail(.protocolBroken, "\(launch.order.who.place): \(reason)")
    }

    private func dropOutboxes(of place: Place) {
        let current = neighbours.current(place)
        dataOutboxes = dataOutboxes.filter { $0.key.place != place || $0.key == current }
    }

    private func flush() {
        _ = controlOutbox.flush(into: control, to: nil)
        var mustRetry = !controlOutbox.isEmpty
        var broken: [Incarnation] = []
        // By index, since this is done in every turn: nothing is copied, and nothing is hashed.
        var index = dataOutboxes.startIndex
        while index != dataOutboxes.endIndex {
            if !dataOutboxes.values[index].isEmpty {
                let receiver = dataOutboxes.keys[index]
                if !dataOutboxes.values[index].flush(into: data, to: receiver.routingID) {
                    broken.append(receiver)
                } else if !dataOutboxes.values[index].isEmpty {
                    mustRetry = true
                }
            }
            dataOutboxes.formIndex(after: &index)
        }
        for receiver in broken {
            dataOutboxes[receiver] = nil
            edges.broke(receiver)
        }
        retryAt = mustRetry ? MonotonicClock.now + .milliseconds(1) : .distantFuture
    }

    private func receiveOrders() {
        launch.status.handles(.orders, now: MonotonicClock.now)
        let mayHaveMore = control.receive(limit: Self.receiveLimit) { _, frame in
            receivedOrderCount += 1
            do throws(PoolCodecError) {
                try Order.decodeAll(frame) { order in
                    if let join = order.joinOrder { joinPool(join) } else { orderReceived(order) }
                }
            } catch { breakDown("an order of the supervisor cannot be read (\(error))") }
        }
        if mayHaveMore { poll.mustNotWait = true }
    }

    private func receiveFrames() {
        launch.status.handles(.neighbours, now: MonotonicClock.now)
        let mayHaveMore = data.receive(limit: Self.receiveLimit) { sender, frame in
            guard let sender = Incarnation(routingID: sender), !accused.contains(sender) else { return }
            edges.frameReceived(from: sender)
            do throws(PoolCodecError) {
                if let greeting = try Greeting(frame: frame) {
                    greeted(greeting, by: sender)
                } else if neighbours.isCurrent(sender) {
                    launch.status.worked()
                    try frameReceived(sender, frame)
                }
            } catch { neighbourBroke(sender, "its frame cannot be read (\(error))") }
        }
        if mayHaveMore { poll.mustNotWait = true }
    }

    /// The one of two neighbours that is trusted less has to go: the other, if the supervisor believes us, or ourselves.
    package func neighbourBroke(_ neighbour: Incarnation, _ text: String, as code: WorkerExit = .protocolBroken) {
        guard neighbours.isCurrent(neighbour) || News.accusation(of: neighbour, text) == nil else { return }
        guard let accusation = News.accusation(of: neighbour, text) else {
            WorkerLaunch.fail(code, "\(launch.order.who.place): \(neighbour): \(text)")
        }
        guard accused.insert(neighbour).inserted else { return }
        launch.chronicle.complain(
            .neighbourAccused, number: TrailRecord.number(of: neighbour.place), as: .notice, detail: text)
        tell(accusation)
    }

    /// Tries the connections to all neighbours, once a heartbeat.
    private func watchEdges() {
        let now = MonotonicClock.now
        guard now >= edges.nextLook else { return }
        let current = neighbours.all
        accused.formIntersection(current)
        for (neighbour, fault) in edges.look(at: current, now: now) where !accused.contains(neighbour) {
            neighbourBroke(neighbour, fault.description, as: .edgeBroken)
        }
        for neighbour in current { dataOutboxes[neighbour, default: Outbox()].appendProbe() }
    }

    private func joinPool(_ join: JoinOrder) {
        neighbours.joining(join.incumbents)
        let hello = Greeting.hello(Hello(who: launch.order.who, pid: UInt32(getpid()))).encoded
        for incumbent in join.incumbents {
            let path = "\(launch.order.runDirectory)/\(Endpoints.listener(of: incumbent.place))"
            do throws(SystemCallError) { try data.connect(path: path, as: incumbent.routingID) } catch {
                WorkerLaunch.fail(.startFailed, "\(launch.order.who.place): \(error)")
            }
            dataOutboxes[incumbent, default: Outbox()].append(frame: hello)
        }
        checkJoined()
    }

    private func greeted(_ greeting: Greeting, by sender: Incarnation) {
        switch greeting {
        case .hello(let hello), .welcome(let hello):
            guard hello.vocabulary == Vocabulary.hash, hello.who == sender else {
                return neighbourBroke(sender, "it is of another build")
            }
        case .probe(let count): return edges.probeReceived(from: sender, framesBefore: count)
        }
        switch greeting {
        case .hello:
            guard neighbours.greeted(by: sender) else { return }
            dataOutboxes[sender, default: Outbox()].append(
                frame: Greeting.welcome(Hello(who: launch.order.who, pid: UInt32(getpid()))).encoded)
            joined(sender)
        case .welcome:
            neighbours.welcomed(by: sender)
            joined(sender)
            checkJoined()
        case .probe: break
        }
    }

    private func joined(_ neighbour: Incarnation) {
        launch.chronicle.note(
            .neighbourJoined, number: TrailRecord.number(of: neighbour.place), detail: "\(neighbour)")
        neighbourJoined(neighbour)
    }

    private func checkJoined() {
        guard neighbours.isJoined, !isReady else { return }
        isReady = true
        tell(.joined)
        lockDown()
        tell(.ready)
        launch.chronicle.note(.ready)
        becameReady()
    }

    /// From here on strangers' bytes may come.
    private func lockDown() {
        var lockdown = launch.lockdown
        do throws(Lockdown.Refusal) { try lockdown.restrictAllThreads() } catch {
            WorkerLaunch.fail(.sandboxFailed, "\(error)")
        }
        launch.status.lockedDown(lockdown.state)
    }

    private func receiveDescriptors() {
        launch.status.handles(.lifeline, now: MonotonicClock.now)
        do throws(SystemCallError) {
            while true {
                switch try launch.lifeline.receive() {
                case .nothing: return
                case .closed: exit(WorkerExit.supervisorGone.rawValue)
                case .message(let bytes, let received): accept(bytes, received)
                }
            }
        } catch { breakDown("\(error)") }
    }

    private func accept(_ bytes: [UInt8], _ received: [CInt]) {
        let passed = bytes.withUnsafeBytes { buffer -> DescriptorsPassed? in
            var reader = FrameReader(buffer)
            return try? DescriptorsPassed(from: &reader)
        }
        guard let passed, passed.identifiers.count == received.count else {
            breakDown("descriptors came without names")
        }
        for (identifier, descriptor) in zip(passed.identifiers, received) {
            descriptors[identifier] = OwnedDescriptor(descriptor)
            launch.status.worked()
            tell(.descriptorReceived(identifier))
        }
    }
}
