import BitTorrent
import CLinux
import Glibc
import PoolRuntime

/// One walk through a directory for a new torrent: regular files in the order of their names' bytes, directory by
/// directory, so that the order of the file system never matters. All that is no file is left out.
struct CreateWalk {
    /// Counted, and some of them named: a directory may be full of links.
    struct LeftOut {
        private static let mostNamed = 5
        private(set) var lines: [String] = []
        private(set) var count = 0

        mutating func add(_ label: String, _ kind: String) {
            count += 1
            if count <= Self.mostNamed { lines.append("\(label): left out, it is \(kind)") }
        }

        /// How many more than `lines` name.
        var unnamedCount: Int { count - lines.count }
    }

    /// What a .torrent can hold at least: a file is six values, and readers like ours stop at three million.
    private static let mostFiles = 500_000
    /// Between two looks at whether the user wants to stop.
    private static let stopInterval = 512

    private(set) var files: [CreateSource.File] = []
    private(set) var leftOut = LeftOut()
    private let root: UserPath
    private let result: CreateSource.Fact?
    private var entryCount = 0

    init(root: UserPath, except result: CreateSource.Fact?) {
        self.root = root
        self.result = result
    }

    mutating func run(_ directory: OwnedDescriptor, isStopWanted: () -> Bool) throws(UserError) {
        try walk(directory, path: "", depth: 1, isStopWanted: isStopWanted)
    }

    static func label(_ root: UserPath, _ path: String) -> String {
        let base = root.description
        return path.isEmpty ? base : base + (base.hasSuffix("/") ? "" : "/") + TerminalText.escaped(path)
    }

    static func notUTF8(_ label: String) -> UserError {
        UserError(
            .fileError, label, "the name is no UTF-8", because: "no other computer would read it right; rename it")
    }

    /// - Parameter path: of the directory; empty for the root.
    private mutating func walk(
        _ directory: OwnedDescriptor, path: String, depth: Int, isStopWanted: () -> Bool
    ) throws(UserError) {
        guard depth < SafePath.maximumDepth else {
            throw UserError(.fileError, label(path), "is nested deeper than \(SafePath.maximumDepth) folders")
        }
        for name in try names(in: directory, path) {
            entryCount += 1
            if entryCount % Self.stopInterval == 0, isStopWanted() { throw UserError(.interrupted, "", "interrupted") }
            guard let text = String(validating: name, as: UTF8.self) else {
                throw Self.notUTF8(label(path) + "/" + TerminalText.escaped(bytes: name))
            }
            let child = path.isEmpty ? text : "\(path)/\(text)"
            var information = stat()
            guard fstatat(directory.rawValue, text, &information, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw CreateSource.unreadable(label(child), errno)
            }
            switch information.st_mode & S_IFMT {
            case S_IFREG: try append(name, child, CreateSource.Fact(information), in: directory)
            case S_IFDIR:
                let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
                let below = clinux_open_beneath(directory.rawValue, text, flags, 0)
                guard below >= 0 else { throw CreateSource.unreadable(label(child), -below) }
                try walk(OwnedDescriptor(below), path: child, depth: depth + 1, isStopWanted: isStopWanted)
            case S_IFLNK: leftOut.add(label(child), "a symbolic link")
            case S_IFIFO: leftOut.add(label(child), "a pipe")
            case S_IFSOCK: leftOut.add(label(child), "a socket")
            default: leftOut.add(label(child), "a device")
            }
        }
    }

    private mutating func append(
        _ name: [UInt8], _ path: String, _ fact: CreateSource.Fact, in directory: OwnedDescriptor
    ) throws(UserError) {
        if let result, fact.isSameFile(as: result) { return leftOut.add(label(path), "the torrent that is to be made") }
        if PartsFile.isReserved(name[...]) { return leftOut.add(label(path), "the parts file of a download") }
        guard faccessat(directory.rawValue, String(decoding: name, as: UTF8.self), R_OK, AT_EACCESS) == 0 else {
            throw CreateSource.unreadable(label(path), errno)
        }
        guard files.count < Self.mostFiles else {
            throw UserError(.invalidTorrent, root.description, "holds more than \(Self.mostFiles) files")
        }
        files.append(CreateSource.File(path: path, fact: fact))
    }

    /// All names but `.` and `..`, by their bytes.
    private func names(in directory: OwnedDescriptor, _ path: String) throws(UserError) -> [[UInt8]] {
        // The stream closes its descriptor, so it gets one of its own.
        let own = clinux_open_beneath(directory.rawValue, ".", O_RDONLY | O_DIRECTORY, 0)
        guard own >= 0 else { throw CreateSource.unreadable(label(path), -own) }
        guard let stream = fdopendir(own) else {
            close(own)
            throw CreateSource.unreadable(label(path), errno)
        }
        let (names, error) = DirectoryNames.read(stream)
        guard error == 0 else { throw CreateSource.unreadable(label(path), error) }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private func label(_ path: String) -> String { Self.label(root, path) }
}
