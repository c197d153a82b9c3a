import PoolProtocol
import PoolRuntime

let launch = WorkerLaunch(role: .peerWorker)
MessageThread(MessageThread.Loop(launch)).run()
