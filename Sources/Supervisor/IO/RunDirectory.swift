import CLinux
import Glibc
import PoolRuntime

/// Owns the directory that holds the sockets of this run: ours alone (0700), removed at the end, and swept by the next
/// start if we were killed before. A held `flock` says that its run lives.
final class RunDirectory {
    let path: String
    private let lock: OwnedDescriptor

    private static let prefix = "run-"
    /// Of a directory whose lock is not held yet, which would look like that of a dead run to another start.
    private static let unfinishedPrefix = "new-"
    private static let lockName = "lock"
    /// The control socket, or a link to where the user wants it.
    static let controlName = "ctl.sock"

    /// Makes a fresh directory below the user's runtime directory.
    init(environment: [String: String]) throws(SystemCallError) {
        let base = try Self.makeBase(environment)
        Self.sweep(base)
        var template = Array("\(base)/\(Self.unfinishedPrefix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp", errno, subject: base) }
        let unfinished = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let lockPath = "\(unfinished)/\(Self.lockName)"
        lock = OwnedDescriptor(
            try checked("open", subject: lockPath, clinux_open(lockPath, O_CREAT | O_RDWR, 0o600)))
        guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            throw SystemCallError("flock", errno, subject: lockPath)
        }
        path = "\(base)/\(Self.prefix)\(unfinished.suffix(6))"
        guard rename(unfinished, path) == 0 else { throw SystemCallError("rename", errno, subject: unfinished) }
    }

    deinit { Self.removeFlat(path) }

    /// Makes a symbolic link in the directory to a file that is there. Without it that is only harder to find.
    func link(_ name: String, to target: UserPath) {
        guard let absolute = target.withCString({ realpath($0, nil) }) else { return }
        defer { free(absolute) }
        symlink(absolute, "\(path)/\(name)")
    }

    /// The control sockets of this user's living supervisors.
    static func controlSockets(environment: [String: String]) -> [String] {
        let base = Self.base(environment)
        return DirectoryNames.all(in: base).filter { $0.hasPrefix(prefix) }.sorted().map { "\(base)/\($0)" }
            .filter { isHeld("\($0)/\(lockName)") && access("\($0)/\(controlName)", F_OK) == 0 }
            .map { "\($0)/\(controlName)" }
    }

    /// Whether a living run holds the lock.
    private static func isHeld(_ path: String) -> Bool {
        let descriptor = clinux_open(path, O_RDWR, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// `$XDG_RUNTIME_DIR/swarmkeeper`, else a directory in the temporary directory that is checked to be our own.
    private static func base(_ environment: [String: String]) -> String {
        if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"), access(runtime, W_OK) == 0 {
            return "\(runtime)/swarmkeeper"
        }
        let temporary = environment["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp"
        return "\(temporary)/swarmkeeper-\(getuid())"
    }

    private static func makeBase(_ environment: [String: String]) throws(SystemCallError) -> String {
        let path = base(environment)
        if mkdir(path, 0o700) != 0 && errno != EEXIST { throw SystemCallError("mkdir", errno, subject: path) }
        var information = stat()
        guard lstat(path, &information) == 0 else { throw SystemCallError("lstat", errno, subject: path) }
        guard information.st_mode & S_IFMT == S_IFDIR, information.st_uid == geteuid(),
            information.st_mode & 0o077 == 0
        else { throw SystemCallError("mkdir", EPERM, subject: "\(path) is not a directory of ours alone") }
        return path
    }

    /// Removes the directories of runs that are no more: their lock is free.
    private static func sweep(_ base: String) {
        for name in DirectoryNames.all(in: base) {
            let directory = "\(base)/\(name)"
            if name.hasPrefix(prefix) {
                let descriptor = clinux_open("\(directory)/\(lockName)", O_RDWR, 0)
                if descriptor < 0 {
                    // A removal was cut short: a directory has this name only once its lock is held.
                    if errno == ENOENT { removeFlat(directory) }
                    continue
                }
                if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { removeFlat(directory) }
                close(descriptor)
            } else if name.hasPrefix(unfinishedPrefix) {
                // A start that takes a minute for this is dead.
                var information = stat()
                if lstat(directory, &information) == 0, time(nil) - information.st_mtim.tv_sec > 60 {
                    removeFlat(directory)
                }
            }
        }
    }

    /// Removes a directory that holds no directories.
    private static func removeFlat(_ directory: String) {
        for name in DirectoryNames.all(in: directory) { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }
}
