import Logging
import PoolProtocol

/// What all torrents of a run share.
final class RunContext {
    let shell: PoolShell
    let output: Output
    let http: HTTPClient
    var budget: FrameBudget
    var limits: BandwidthLimits
    /// nil without `--on-complete`.
    let commands: CompletionCommands?
    /// Our port, 0 without a listener.
    let listenPort: UInt16

    init(
        shell: PoolShell, output: Output, http: HTTPClient, budget: FrameBudget, limits: BandwidthLimits,
        commands: CompletionCommands?, listenPort: UInt16
    ) {
        self.shell = shell
        self.output = output
        self.http = http
        self.budget = budget
        self.limits = limits
        self.commands = commands
        self.listenPort = listenPort
    }

    /// Which hash-workers can be given pieces now.
    var pool: PoolView {
        PoolView(isHashWorkerWorking: { [unowned self] in shell.keeper.isWorking(Place(.hashWorker, $0)) })
    }
}
