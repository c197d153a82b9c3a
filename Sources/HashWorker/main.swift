import PoolProtocol
import PoolRuntime

let launch = WorkerLaunch(role: .hashWorker)
let loop = WorkerLoop<SupervisorToHashWorker, HashWorkerToSupervisor>(launch)
let process = HashWorkerProcess(launch, loop)
loop.run()
