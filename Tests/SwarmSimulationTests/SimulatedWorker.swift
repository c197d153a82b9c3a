import BitTorrent
import PoolProtocol

/// A process of the pool, as far as all roles are alike: its birth, its joins, its neighbours and its death. Does what
/// `WorkerLoop` does, without sockets.
class SimulatedWorker {
    let who: Incarnation
    unowned let swarm: Swarm
    private(set) var isRunning = true
    private(set) var neighbours = Neighbours()
    private var isReady = false
    private var lines: [Incarnation: Line<PoolFrame>] = [:]
    private(set) var orders: Line<PoolOrder>!
    private var news: Line<PoolNews>!
    /// Descriptors to the process, and the word that they have come: what is to be done then.
    private(set) var lifeline: Line<() -> Void>!

    init(_ who: Incarnation, _ swarm: Swarm) {
        self.who = who
        self.swarm = swarm
        let birth = swarm.queue.now + .milliseconds(Int.random(in: 1...15, using: &swarm.dice))
        orders = Line(swarm, opensAt: birth) { [unowned self] in receive($0) }
        lifeline = Line(swarm, opensAt: birth) { $0() }
        news = Line(swarm) { [unowned swarm] in swarm.supervisor.received($0, from: who) }
        swarm.queue.plan(at: birth) { [self] in
            guard isRunning else { return }
            sayHello(Hello(who: who, pid: 1))
        }
    }

    var now: MonotonicInstant { swarm.queue.now }

    // MARK: For the roles

    func sayHello(_ hello: Hello) {}
    func sayReady() {}
    func handle(_ order: PoolOrder) {}
    func handle(_ frame: PoolFrame, from sender: Incarnation) {}
    func neighbourJoined(_ neighbour: Incarnation) {}
    /// After every event, before its messages leave.
    func turnEnded() {}
    /// The process is gone; its region stays.
    func died() {}

    func tell(_ message: PoolNews) { news.send(message) }

    /// - Returns: false when the place is empty.
    @discardableResult func send(_ frame: PoolFrame, to place: Place) -> Bool {
        guard let receiver = neighbours.current(place) else { return false }
        line(to: receiver).send(frame)
        return true
    }

    func replaced(by newcomer: Incarnation) {
        neighbours.replaced(by: newcomer)
        lines = lines.filter { $0.key.place != newcomer.place || $0.key.generation == newcomer.generation }
    }

    func gaveUp(_ place: Place) { neighbours.gaveUp(place) }

    // MARK: Messages

    private func line(to receiver: Incarnation) -> Line<PoolFrame> {
        if let line = lines[receiver] { return line }
        let line = Line<PoolFrame>(swarm) { [unowned swarm, who] frame in
            swarm.process(receiver)?.receive(frame, from: who)
        }
        lines[receiver] = line
        return line
    }

    private func receive(_ order: PoolOrder) {
        guard isRunning else { return }
        if let join = order.join {
            neighbours.joining(join.incumbents)
            for incumbent in join.incumbents {
                line(to: incumbent).send(.greeting(.hello(Hello(who: who, pid: 1))))
            }
            checkJoined()
        } else {
            handle(order)
        }
        turnEnded()
    }

    private func receive(_ frame: PoolFrame, from sender: Incarnation) {
        guard isRunning else { return }
        switch frame {
        case .greeting(.hello):
            guard neighbours.greeted(by: sender) else { return }
            line(to: sender).send(.greeting(.welcome(Hello(who: who, pid: 1))))
            neighbourJoined(sender)
        case .greeting(.welcome):
            neighbours.welcomed(by: sender)
            neighbourJoined(sender)
            checkJoined()
        case .greeting(.probe): break  // Lines of the simulation lose nothing but by a death.
        case .blocks, .slots, .pieces, .answers:
            if neighbours.isCurrent(sender) { handle(frame, from: sender) }
        }
        turnEnded()
    }

    private func checkJoined() {
        guard neighbours.isJoined, !isReady else { return }
        isReady = true
        sayReady()
    }

    // MARK: Death

    func kill() {
        guard isRunning else { return }
        isRunning = false
        news.senderDied()
        orders.receiverDied()
        lifeline.receiverDied()
        for line in lines.values { line.senderDied() }
        died()
    }
}
