import PoolProtocol
import PoolRuntime

let launch = WorkerLaunch(role: .writer)
let loop = WorkerLoop<SupervisorToWriter, WriterToSupervisor>(launch)
let process = WriterProcess(launch, loop)
withExtendedLifetime(process) { loop.run() }
