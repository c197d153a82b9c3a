import PoolProtocol
import PoolRuntime
import SelfTest

SelfTest.prepare()
let launch = WorkerLaunch(role: .hashWorker)
let loop = WorkerLoop<SupervisorToHashWorker, HashWorkerToSupervisor>(launch)
let process = HashWorkerProcess(launch, loop)
SelfTest.arm(loop)
loop.run()
