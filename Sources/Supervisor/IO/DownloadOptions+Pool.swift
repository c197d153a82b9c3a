import BitTorrent
import CLinux
import Glibc
import Logging
import PoolProtocol
import PoolRuntime

extension DownloadOptions {
    func poolSettings(_ plan: PoolPlan, _ sandbox: SandboxOrder) -> PoolShell.Settings {
        PoolShell.Settings(
            diagnosis, plan, sandbox, environment: environment, logLevel: output.leastLogLevel.swiftLog, pins: pins,
            bindAddress: bindAddress ?? "", connectTimeout: connectTimeout, maximumPeers: maximumPeers)
    }

    func sandboxOrder(_ output: Output) throws(UserError) -> SandboxOrder {
        try SandboxStart.order(
            sandbox, startsPrograms: seeding.onComplete != nil || !diagnosis.wrappers.isEmpty, output: output)
    }

    var httpOptions: HTTPClientOptions {
        var options = HTTPClientOptions()
        options.caCertificateFile = caCertificate
        options.bindAddress = bindAddress
        return options
    }

    var torrentSettings: TorrentSettings {
        TorrentSettings(
            isSequential: isSequential, mostPeers: maximumPeers, usesTrackers: usesTrackers,
            exchangesPeers: exchangesPeers,
            extraTrackers: trackers.map { [$0.text] }, seedGoal: seeding.goal, uploadSlots: seeding.uploadSlots)
    }
}

extension HashingOptions {
    func poolSettings(_ plan: PoolPlan, telling user: Output) throws(UserError) -> PoolShell.Settings {
        let sandbox = try SandboxStart.order(
            sandbox, startsPrograms: !diagnosis.wrappers.isEmpty, output: user)
        return PoolShell.Settings(
            diagnosis, plan, sandbox, environment: environment, logLevel: output.leastLogLevel.swiftLog, pins: pins,
            bindAddress: "", connectTimeout: .seconds(10), maximumPeers: 1)
    }
}

extension PoolShell.Settings {
    fileprivate init(
        _ diagnosis: DiagnosisOptions, _ plan: PoolPlan, _ sandbox: SandboxOrder, environment: [String: String],
        logLevel: Logger.Level, pins: Bool?, bindAddress: String, connectTimeout: Duration, maximumPeers: Int
    ) {
        var cores: [UInt32] = []
        let coreCount = Int(clinux_usable_cores(&cores, 0))
        let pinning: PoolShell.Pinning =
            switch pins {
            case true?: .everyone
            case false?: .off
            case nil where coreCount >= plan.places.count: .everyone
            case nil: coreCount >= plan.peerWorkerCount && plan.peerWorkerCount > 0 ? .peerWorkers : .off
            }
        self.init(
            programDirectory: Self.ownDirectory,
            environment: WorkerEnvironment.selected(from: environment).map { "\($0)=\($1)" }.sorted(),
            wrappers: diagnosis.wrappers, attacks: diagnosis.attacks, heartbeat: diagnosis.heartbeat,
            slowLimit: diagnosis.slowLimit, logLevel: logLevel, pins: pinning, bindAddress: bindAddress,
            connectTimeout: connectTimeout,
            maximumPeersEach: plan.peerWorkerCount == 0
                ? 1
                : min(
                    65_535, Self.mostPeers(of: maximumPeers, workers: plan.peerWorkerCount),
                    // A worker inherits our limit, and takes no more than this leaves it.
                    max(1, DescriptorLimit.current - DescriptorLimit.reserve)),
            sandbox: sandbox)
    }

    /// What one worker may have of all connections. The kernel deals incoming ones out by their addresses, not evenly:
    /// with an equal share for each, the first full worker would refuse peers for which there is room. The supervisor
    /// minds the sum.
    private static func mostPeers(of all: Int, workers: Int) -> Int {
        workers == 1 ? all : min(all, (all * 3 / 2 + workers - 1) / workers)
    }

    /// The workers' programs lie next to our own.
    private static var ownDirectory: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
