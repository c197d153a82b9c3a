import BitTorrent
import CLinux
import Glibc
import PoolRuntime
import SystemPackage

/// Owns what a new torrent is made of: the files as they were found, how to open them, and whether they are still the
/// same. Follows no symbolic link below the path that the user named.
final class CreateSource {
    /// What tells one state of a file from the next.
    struct Fact: Equatable {
        private let device: UInt64
        private let inode: UInt64
        let byteCount: UInt64
        private let modifiedSeconds: Int
        private let modifiedNanoseconds: Int

        init(_ information: stat) {
            device = UInt64(information.st_dev)
            inode = UInt64(information.st_ino)
            byteCount = UInt64(max(0, information.st_size))
            modifiedSeconds = Int(information.st_mtim.tv_sec)
            modifiedNanoseconds = Int(information.st_mtim.tv_nsec)
        }

        func isSameFile(as other: Fact) -> Bool { device == other.device && inode == other.inode }
    }

    struct File {
        /// Below the directory, names joined by `/`; empty when the path itself is the file.
        let path: String
        let fact: Fact
    }

    let name: String
    let isDirectory: Bool
    let files: [File]
    /// What was left out, and why.
    let leftOut: CreateWalk.LeftOut
    private let root: UserPath
    private let tree: DirectoryTree?

    /// - Parameters:
    ///   - name: of the torrent.
    ///   - result: the file that is about to be replaced, which is no part of the torrent.
    ///   - isStopWanted: asked again and again.
    init(_ path: UserPath, name: String, except result: Fact?, isStopWanted: () -> Bool) throws(UserError) {
        root = path
        self.name = name
        var information = stat()
        guard path.withCString({ stat($0, &information) }) == 0 else { throw Self.unreadable(path.description, errno) }
        switch information.st_mode & S_IFMT {
        case S_IFREG:
            isDirectory = false
            tree = nil
            leftOut = CreateWalk.LeftOut()
            files = [File(path: "", fact: Fact(information))]
            guard path.withCString({ faccessat(AT_FDCWD, $0, R_OK, AT_EACCESS) }) == 0 else {
                throw Self.unreadable(path.description, errno)
            }
        case S_IFDIR:
            isDirectory = true
            let flags = O_RDONLY | O_DIRECTORY
            let descriptor = path.withCString { clinux_open($0, flags, 0) }
            guard descriptor >= 0 else { throw Self.unreadable(path.description, -descriptor) }
            let directory = OwnedDescriptor(descriptor)
            tree = DirectoryTree(directory)
            var walk = CreateWalk(root: path, except: result)
            try walk.run(directory, isStopWanted: isStopWanted)
            files = walk.files
            leftOut = walk.leftOut
        default:
            throw UserError(.fileError, path.description, "is neither a file nor a directory")
        }
        guard !files.isEmpty else { throw UserError(.fileError, path.description, "there is no file in it") }
        guard files.contains(where: { $0.fact.byteCount > 0 }) else {
            throw UserError(.fileError, path.description, "holds no data", because: "a torrent needs one byte at least")
        }
    }

    var content: NewTorrent.Content {
        guard isDirectory else { return .file(byteCount: files[0].fact.byteCount) }
        return .folder(files.map { NewTorrent.File(path: $0.path, byteCount: $0.fact.byteCount) })
    }

    func open(_ index: Int) throws(SystemCallError) -> OwnedDescriptor {
        // Something else may have taken its place: a pipe must not block us.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
        if let tree { return try tree.open(files[index].path, flags: flags) }
        return OwnedDescriptor(
            try checked("open", subject: root.description, root.withCString { clinux_open($0, flags, 0) }))
    }

    /// The first file that is not what it was, as an error.
    func change() -> UserError? {
        for file in files {
            var information = stat()
            let status: CInt =
                if let tree {
                    fstatat(tree.descriptor.rawValue, file.path, &information, AT_SYMLINK_NOFOLLOW)
                } else {
                    root.withCString { stat($0, &information) }
                }
            if status != 0 {
                return UserError(
                    .fileError, label(file), "went away while it was hashed",
                    because: Errno(rawValue: errno).description)
            }
            if Fact(information) != file.fact {
                return UserError(.fileError, label(file), "changed while it was hashed")
            }
        }
        return nil
    }

    /// For messages.
    func label(_ file: File) -> String { CreateWalk.label(root, file.path) }

    static func unreadable(_ subject: String, _ code: CInt) -> UserError {
        UserError(.fileError, subject, "cannot be read", because: Errno(rawValue: code).description)
    }

    /// What a torrent of the path is called.
    static func name(of path: UserPath) throws(UserError) -> String {
        var last = path.name
        if [".", "..", ""].contains(last.text) {
            guard let resolved = path.withCString({ realpath($0, nil) }) else {
                throw unreadable(path.description, errno)
            }
            defer { free(resolved) }
            last = UserPath(bytes: (0..<strlen(resolved)).map { UInt8(bitPattern: resolved[$0]) }).name
        }
        guard !last.isEmpty else {
            throw UserError(.fileError, path.description, "has no name", because: "a torrent needs one")
        }
        guard let name = last.validText else { throw CreateWalk.notUTF8(path.description) }
        return name
    }
}
