import PoolProtocol
import PoolRuntime

let launch = WorkerLaunch(role: .peerWorker)
PeerWorkerLoop(PeerWorkerLoop.Loop(launch)).run()
