import BitTorrent
import PoolProtocol

/// Owns which of the user's environment variables a worker gets: what the system's libraries, Swift and sanitizers look at,
/// what a worker reads itself, and the directory by which a process is known to belong to a run. The rest may hold keys and passwords, which have no place in a process that talks to
/// strangers.
enum WorkerEnvironment {
    private static let names: Set<String> = [
        "PATH", "HOME", "TMPDIR", "LANG", "TZ", "XDG_RUNTIME_DIR", "GLIBC_TUNABLES", "LLVM_PROFILE_FILE", Attack.key,
        SHA1Kernels.environmentName,
    ]
    /// Of the C library, its dynamic linker and its allocator, and of Swift's runtime.
    private static let prefixes = ["LC_", "LD_", "MALLOC_", "SWIFT_"]
    /// Of sanitizers.
    private static let suffix = "SAN_OPTIONS"

    static func selected(from environment: [String: String]) -> [String: String] {
        var selected = environment.filter { name, _ in
            names.contains(name) || name.hasSuffix(suffix) || prefixes.contains { name.hasPrefix($0) }
        }
        // A trapping worker must not fork a backtracer: that takes 0.4 s, and the sandbox would forbid it.
        selected["SWIFT_BACKTRACE"] = "enable=no"
        return selected
    }
}
