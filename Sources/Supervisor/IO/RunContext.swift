import BitTorrent
import Logging
import PoolProtocol

/// What all torrents of a run share.
final class RunContext {
    let shell: PoolShell
    let output: Output
    let http: HTTPClient
    let udp: UDPTrackerClient
    let scrapes: SwarmScrapes
    var budget: FrameBudget
    var limits: BandwidthLimits
    var suspicion = WorkerSuspicion()
    /// nil without `--on-complete`.
    let commands: CompletionCommands?
    /// Our port, 0 without a listener.
    let listenPort: UInt16
    private(set) var externalAddresses = ExternalAddresses()
    /// Frames may be there for these torrents now.
    var framesFreed: ([UInt16]) -> Void = { _ in }
    private var isTellingOfFrames = false
    /// Peers at this address are ourselves.
    var ownAddressLearned: (PeerAddress) -> Void = { _ in }

    init(
        shell: PoolShell, output: Output, http: HTTPClient, udp: UDPTrackerClient, budget: FrameBudget,
        limits: BandwidthLimits, commands: CompletionCommands?, listenPort: UInt16
    ) {
        self.shell = shell
        self.output = output
        self.http = http
        self.udp = udp
        scrapes = SwarmScrapes(http: http, udp: udp)
        self.budget = budget
        self.limits = limits
        self.commands = commands
        self.listenPort = listenPort
    }

    /// A tracker said how it sees us (BEP 24).
    func seen(as address: [UInt8]) {
        guard let address = externalAddresses.learned(address, port: listenPort), address.port != 0 else { return }
        ownAddressLearned(address)
    }

    /// After every event that may have freed frames: torrents that wait for some get their part.
    func shareFrames() {
        guard !isTellingOfFrames else { return }
        isTellingOfFrames = true
        defer { isTellingOfFrames = false }
        while true {
            let waiting = budget.takeWaiting()
            if waiting.isEmpty { return }
            framesFreed(waiting)
        }
    }

    /// Which hash-workers can be given pieces now.
    var pool: PoolView {
        PoolView(isHashWorkerWorking: { [unowned self] in shell.keeper.isWorking(Place(.hashWorker, $0)) })
    }
}
