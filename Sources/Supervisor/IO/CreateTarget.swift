import CLinux
import Glibc
import PoolRuntime
import SystemPackage

/// Where a new torrent goes. A file appears whole or not at all, and takes another's place only if that was asked for.
struct CreateTarget {
    /// nil: stdout.
    let file: UserPath?
    private let replaces: Bool
    /// Of the file that is there and will be replaced.
    let existing: CreateSource.Fact?

    /// Looks whether it can be written, so that nobody hears of it only after an hour of hashing.
    init(_ target: CreateOptions.Target, name: String, replaces: Bool) throws(UserError) {
        self.replaces = replaces
        switch target {
        case .standardOutput:
            guard isatty(STDOUT_FILENO) == 0 else {
                throw UserError(.badOption, "--output", "a torrent is nothing for a terminal", because: "name a file")
            }
            file = nil
            existing = nil
        case .named:
            file = UserPath("\(name).torrent")
            existing = try Self.look(file!, replaces)
        case .file(let path):
            file = path
            existing = try Self.look(path, replaces)
        }
    }

    private static func look(_ path: UserPath, _ replaces: Bool) throws(UserError) -> CreateSource.Fact? {
        var information = stat()
        if path.withCString({ stat($0, &information) }) == 0 {
            switch information.st_mode & S_IFMT {
            case S_IFREG: break
            case S_IFDIR: throw UserError(.fileError, path.description, "is a directory", because: "name a file in it")
            default: throw UserError(.fileError, path.description, "is no regular file")
            }
            guard replaces else { throw alreadyThere(path) }
        } else if errno != ENOENT {
            throw unwritable(path, errno)
        }
        let folder = path.parent
        guard folder.withCString({ faccessat(AT_FDCWD, $0, W_OK | X_OK, AT_EACCESS) }) == 0 else {
            throw unwritable(path, errno)
        }
        return information.st_nlink > 0 ? CreateSource.Fact(information) : nil
    }

    /// - Parameter signals: looked at while a reader of stdout lets us wait.
    func write(_ bytes: [UInt8], signals: StopSignals) throws(UserError) {
        guard let file else { return try Self.writeToStandardOutput(bytes, signals) }
        var template = (file + ".XXXXXX").withCString { Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1)) }
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Self.unwritable(file, errno) }
        defer {
            close(descriptor)
            unlink(template)
        }
        let mask = umask(0)
        umask(mask)
        fchmod(descriptor, 0o666 & ~mask)
        var failure = StandardStreams.write(bytes, to: descriptor)
        if failure == 0, fsync(descriptor) != 0 { failure = errno }
        guard failure == 0 else { throw Self.unwritable(file, failure) }
        failure = file.withCString { replaces ? Self.result(rename(template, $0)) : Self.link(template, to: $0) }
        if failure == EEXIST { throw Self.alreadyThere(file) }
        guard failure == 0 else { throw Self.unwritable(file, failure) }
    }

    /// Gives the file its name unless another has it: that is what a hard link does, where there are any.
    /// - Returns: 0 or an errno.
    private static func link(_ temporary: [CChar], to path: UnsafePointer<CChar>) -> CInt {
        let failure = result(Glibc.link(temporary, path))
        guard failure == EPERM || failure == EOPNOTSUPP || failure == ENOSYS else { return failure }
        return access(path, F_OK) == 0 ? EEXIST : result(rename(temporary, path))
    }

    private static func result(_ status: CInt) -> CInt { status == 0 ? 0 : errno }

    /// A pipe takes so many bytes without blocking when poll(2) calls it writable (PIPE_BUF).
    private static let sliceByteCount = 4096

    /// The reader may take its time, but Ctrl-C works meanwhile.
    private static func writeToStandardOutput(_ bytes: [UInt8], _ signals: StopSignals) throws(UserError) {
        var written = 0
        while written < bytes.count {
            var waiting = [
                pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&waiting, 2, -1)
            if waiting[1].revents != 0, signals.wantStop() { throw UserError(.interrupted, "", "interrupted") }
            guard waiting[0].revents != 0 else { continue }
            let end = min(written + sliceByteCount, bytes.count)
            let failure = StandardStreams.write(Array(bytes[written..<end]), to: STDOUT_FILENO)
            guard failure == 0 else { throw unwritable("stdout", failure) }
            written = end
        }
    }

    private static func alreadyThere(_ path: UserPath) -> UserError {
        UserError(.fileError, path.description, "is already there", because: "--force replaces it")
    }

    private static func unwritable(_ path: UserPath, _ code: CInt) -> UserError {
        UserError(.fileError, path.description, "cannot be written", because: Errno(rawValue: code).description)
    }
}
