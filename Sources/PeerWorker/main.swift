import PoolProtocol
import PoolRuntime
import SelfTest

SelfTest.prepare()
let launch = WorkerLaunch(role: .peerWorker)
let loop = PeerWorkerLoop.Loop(launch)
let worker = PeerWorkerLoop(loop)
SelfTest.arm(loop)
worker.run()
