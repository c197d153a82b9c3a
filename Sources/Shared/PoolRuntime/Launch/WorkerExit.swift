/// Exit codes of workers; only the supervisor reads them.
package enum WorkerExit: Int32 {
    case orderly = 0
    /// Started by hand: there is no lifeline on descriptor 3.
    case notAChild = 64
    /// The launch order or a message from our own pool could not be read.
    case protocolBroken = 70
    /// A step of the start failed; the reason is on stderr.
    case startFailed = 71
    /// The supervisor is gone.
    case supervisorGone = 72
    /// The connection to a living neighbour broke: what was on its way is lost, so the pool has to start over with us.
    case edgeBroken = 73
    /// `--sandbox strict`, and a layer of it cannot be had; or the user to become cannot be. The reason is on stderr.
    case sandboxFailed = 74
}
