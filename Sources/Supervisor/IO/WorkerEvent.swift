import BitTorrent
import PoolProtocol
import PoolRuntime

/// What happens to the pool's processes, for the event stream and the log.
enum WorkerEvent {
    case spawned(Incarnation, pid: Int32)
    case ready(Incarnation, pid: Int32)
    /// We are about to kill it.
    case condemned(Incarnation, pid: Int32, reason: String)
    /// Its process could not be started.
    case notSpawned(Incarnation, reason: String)
    case died(Incarnation, pid: Int32, ending: ChildProcess.Ending, lastLines: [String])
    case diskIsSlow(Incarnation, call: DiskCall, duration: Duration)
}
