import Glibc
import Logging
package import PoolProtocol
package import PoolRuntime

/// The door through which a worker is told to misbehave (docs/faults.md). Two lines of each worker's `main` lead here;
/// both do nothing unless the supervisor passed an attack on, and `SWARMKEEPER_ALLOW_SELFTEST=1` is set.
package enum SelfTest {
    /// Before the worker reads its launch order: takes what only then can be had.
    package static func prepare() {
        if attack == .truncateArena { region = RegionThief.takeRegion() }
    }

    /// Before the loop runs.
    package static func arm<Order: SupervisorOrder, News: WorkerNews>(_ loop: WorkerLoop<Order, News>) {
        guard let attack else { return }
        let assault: any Assault =
            switch attack {
            case .crash: Crash()
            case .spin: Spin()
            case .mute: Mute()
            case .busy: Busy(isDeaf: true)
            case .restless: Busy(isDeaf: false)
            case .flood, .oversize, .nonsense, .babble, .overreach: ControlAssault(attack)
            case .truncateArena: RegionAssault(region: region)
            case .scribble: ScribbleAssault()
            case .badrefSlot, .badrefBlock, .badrefStale, .badrefNonsense: ReferenceAssault(attack)
            case .badframes: FrameAssault()
            case .badanswers: AnswerAssault()
            case .flip: FlipAssault(loop.launch)
            case .wantFiles: FileRequests()
            case .trespass: Trespass(loop.launch)
            case .exec, .fork, .ptrace, .peek, .stealDescriptor, .writeCode, .mapCode, .userfaultfd, .ioUring, .bpf,
                .perf, .keyctl:
                Felony(attack)
            }
        loop.misbehave = { [unowned loop] in assault.turn(of: loop) }
    }

    private static var attack: Attack? {
        let arguments = CommandLine.arguments
        guard let value = getenv(Attack.key), String(cString: value) == "1",
            let flag = arguments.firstIndex(of: Attack.flag), flag + 1 < arguments.count
        else { return nil }
        return Attack(rawValue: arguments[flag + 1])
    }

    /// Set by `prepare` and read by `arm`, both on the main thread before there is another.
    nonisolated(unsafe) private static var region: OwnedDescriptor?
}

/// One way to misbehave.
protocol Assault: AnyObject {
    /// At the end of every turn since the worker said `ready`, before its messages leave.
    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>)
}

extension WorkerLoop {
    /// A line of the supervisor's log.
    func report(_ text: String) { launch.chronicle.logger.warning("selftest: \(text)") }
}
