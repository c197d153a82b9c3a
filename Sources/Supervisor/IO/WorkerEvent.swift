import BitTorrent
import PoolProtocol
import PoolRuntime

/// What happens to the pool's processes, for the event stream and the log.
enum WorkerEvent {
    case spawned(Incarnation, pid: Int32)
    /// - Parameter sandbox: what it has told of its lock-down.
    case ready(Incarnation, pid: Int32, sandbox: SandboxState?)
    /// It could not give up what it has to, and the user wants no worker without that; before `died`.
    case sandboxFailed(Incarnation, reason: String)
    /// We are about to kill it.
    case condemned(Incarnation, pid: Int32, reason: String)
    /// Its process could not be started.
    case notSpawned(Incarnation, reason: String)
    /// - Parameter heldCount: as its status page has it.
    case died(Incarnation, pid: Int32, ending: ChildProcess.Ending, lastLines: [String], heldCount: Int)
    /// It died of a fault of its own; before `died`.
    /// - Parameter stack: innermost first.
    case faulted(Incarnation, signal: CInt, stack: [StackLine])
    /// What it remembered when it died, other than by our wish or at its own end; after `died`.
    case leftTrail(Incarnation, WorkerTrail)
    /// A handler of this kind took longer than `--slow-ms` for the first time; further ones are only counted. Of the
    /// supervisor, too.
    case handlerIsSlow(Place, SlowHandler)
    case diskIsSlow(Incarnation, call: DiskCall, duration: Duration)
}
