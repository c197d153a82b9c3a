import CLinux
import Glibc
import PoolRuntime

/// Owns the one thread that calls the disk, so that the loop always answers. It holds one order at a time; results come
/// back through a descriptor that the loop watches.
final class DiskThread: @unchecked Sendable {
    // `inbox` and `results` are touched under `mutex` only, `torrents` by the thread only.
    private enum Command {
        case add(TorrentDisk)
        /// The mappings live as long as the order runs.
        case perform(DiskOrder, [UInt16: RegionMapping])
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var inbox: [Command] = []
    private var results: [DiskResult] = []
    private var torrents: [UInt16: TorrentDisk] = [:]
    private let counters: DiskCounters
    private let wake: OwnedDescriptor

    /// Starts the thread, which runs until the process ends.
    init(counters: DiskCounters) throws(SystemCallError) {
        self.counters = counters
        wake = OwnedDescriptor(try checked("eventfd", clinux_eventfd()))
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        try DetachedThread.start { [self] in run() }
    }

    /// Readable when there are results.
    var descriptor: CInt { wake.rawValue }

    /// Hands a torrent's files over; only the thread touches them from now on.
    func add(_ torrent: TorrentDisk) { send(.add(torrent)) }

    /// Has an order done. Not to be called before the last one's result was taken.
    func perform(_ order: DiskOrder, regions: [UInt16: RegionMapping]) { send(.perform(order, regions)) }

    func takeResults() -> [DiskResult] {
        var counter: UInt64 = 0
        _ = read(wake.rawValue, &counter, MemoryLayout<UInt64>.size)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        let taken = results
        results = []
        return taken
    }

    private func send(_ command: Command) {
        pthread_mutex_lock(mutex)
        inbox.append(command)
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    private func receive() -> Command {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while inbox.isEmpty { pthread_cond_wait(condition, mutex) }
        return inbox.removeFirst()
    }

    private func run() {
        while true {
            switch receive() {
            case .add(let torrent): torrents[torrent.torrent] = torrent
            case .perform(let order, let regions):
                guard let torrent = torrents[order.torrent] else { preconditionFailure("an order before its torrent") }
                let addresses = regions.mapValues { UnsafeRawPointer($0.base) }
                let outcome = withExtendedLifetime(regions) { torrent.perform(order, addresses: addresses) }
                finish(DiskResult(outcome: outcome, report: counters.report))
            }
        }
    }

    private func finish(_ result: DiskResult) {
        pthread_mutex_lock(mutex)
        results.append(result)
        pthread_mutex_unlock(mutex)
        var one: UInt64 = 1
        _ = write(wake.rawValue, &one, MemoryLayout<UInt64>.size)
    }
}
