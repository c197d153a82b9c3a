import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime

/// Owns where journals and locks are kept, and what they are called: by torrent and by the directory that it is
/// downloaded into, so that the same torrent can be in two places, and two torrents in one.
struct StateDirectory {
    /// A directory, whatever its path and however many links lead to it.
    struct DirectoryIdentity: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    /// The files of one torrent in one directory.
    struct Names: Equatable {
        let journal: UserPath
        /// Held by the supervisor.
        let lock: UserPath
        /// Held by its writer.
        let writerLock: UserPath
    }

    let path: UserPath

    /// Makes the directory when it is missing, for this user alone.
    /// - Parameter option: `--state-dir`; nil means `$XDG_STATE_HOME/swarmkeeper`, or the place that the XDG base
    ///   directory specification names for an unset or relative variable.
    init(option: UserPath?, environment: [String: String]) throws(SystemCallError) {
        path = option ?? UserPath(Self.usualPath(environment))
        try MissingDirectories.make(path, mode: 0o700)
        guard path.withCString({ access($0, R_OK | W_OK | X_OK) }) == 0 else {
            throw SystemCallError("open", errno, subject: path.description)
        }
    }

    func names(of infoHash: InfoHash, in directory: DirectoryIdentity) -> Names {
        let place = String(directory.device, radix: 16) + "-" + String(directory.inode, radix: 16)
        let stem = path + "/\(infoHash)-\(place)"
        return Names(journal: stem + ".journal", lock: stem + ".lock", writerLock: stem + ".writer-lock")
    }

    private static func usualPath(_ environment: [String: String]) -> String {
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/swarmkeeper" }
        if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.local/state/swarmkeeper" }
        let home = getpwuid(getuid()).flatMap { $0.pointee.pw_dir }.map { String(cString: $0) } ?? "/"
        return home + (home.hasSuffix("/") ? "" : "/") + ".local/state/swarmkeeper"
    }
}

/// Makes a directory and all that is missing above it.
enum MissingDirectories {
    /// - Parameter owner: whose those are that are made; nil: ours.
    static func make(
        _ path: UserPath, mode: mode_t, owner: SandboxOrder.Identity? = nil
    ) throws(SystemCallError) {
        for directory in path.prefixes {
            if directory.withCString({ mkdir($0, mode) }) == 0 {
                guard let owner else { continue }
                guard directory.withCString({ lchown($0, owner.user, owner.group) }) == 0 else {
                    throw SystemCallError("chown", errno, subject: directory.description)
                }
                continue
            }
            // Whatever is there already is judged by whoever opens the directory.
            guard errno != EEXIST, errno != EISDIR else { continue }
            let error = errno
            // A parent that may not be written, but exists, is no obstacle (EACCES, EROFS).
            guard directory.withCString({ access($0, F_OK) }) == 0 else {
                throw SystemCallError("mkdir", error, subject: directory.description)
            }
        }
    }
}
