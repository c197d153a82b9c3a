import PoolProtocol
import PoolRuntime
import SelfTest

SelfTest.prepare()
let launch = WorkerLaunch(role: .writer)
let loop = WorkerLoop<SupervisorToWriter, WriterToSupervisor>(launch)
let process = WriterProcess(launch, loop)
SelfTest.arm(loop)
withExtendedLifetime(process) { loop.run() }
