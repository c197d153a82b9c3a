import CLinux
import PoolProtocol

/// The most that a worker needs of what the kernel counts (setrlimit(2)); nil: as it is. Data only, but for `apply`.
struct ResourceLimits: Equatable {
    var descriptors: UInt64?
    /// Bytes of a file that it writes itself; the writer's are bounded by its torrents alone.
    var fileByteCount: UInt64?
    /// Further threads and processes, once the role's own threads run; root is not bound by it.
    var processes: UInt64?
    /// Bytes of its address space.
    var addressByteCount: UInt64?

    /// Descriptors of one torrent in the writer: its directory twice, its journal and its lock.
    private static let torrentDescriptors: UInt64 = 4
    /// The supervisor takes no more torrents than this.
    private static let mostTorrents: UInt64 = 1000
    /// Files that are open at a time: 512 in a writer, 256 in a peer-worker, and those on their way.
    private static let openFiles: UInt64 = 1024
    /// A peer-worker's own memory beside its region: buffers of 65,535 peers, stacks and arenas of its threads (measured:
    /// 500 peers need 0.2 GiB of addresses). Bounds what a bug or an intruder can take from this machine.
    private static let peerWorkerAddresses: UInt64 = 4 << 30

    init(role: Role, maximumPeerCount: Int, regionByteCount: UInt64) {
        let reserve = UInt64(DescriptorLimit.reserve)
        switch role {
        case .peerWorker:
            descriptors = Self.openFiles + 2 * UInt64(max(0, maximumPeerCount)) + 2 * reserve
            fileByteCount = 0
            addressByteCount = Self.peerWorkerAddresses + regionByteCount
        case .hashWorker:
            // A piece may lie in more files than any bound of ours: as many as the machine allows.
            fileByteCount = 0
            processes = 0
        case .writer:
            descriptors = 2 * Self.openFiles + Self.torrentDescriptors * Self.mostTorrents
            processes = 0
        case .supervisor: break
        }
    }

    /// Those that hold from the start.
    func applyEarly() throws(SystemCallError) {
        if let descriptors {
            try checked(
                "setrlimit", subject: "descriptors", clinux_lower_limit(clinux_limit_descriptors, descriptors))
        }
        if let fileByteCount {
            try checked("setrlimit", subject: "file size", clinux_lower_limit(clinux_limit_file_size, fileByteCount))
        }
        if let addressByteCount {
            try checked("setrlimit", subject: "memory", clinux_lower_limit(clinux_limit_addresses, addressByteCount))
        }
    }

    /// Those that would stop the role's own threads.
    func applyLate() throws(SystemCallError) {
        guard let processes else { return }
        try checked("setrlimit", subject: "processes", clinux_lower_limit(clinux_limit_processes, processes))
    }
}
