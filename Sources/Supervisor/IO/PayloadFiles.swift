import CLinux
import Glibc
import PoolProtocol
import PoolRuntime
import SystemPackage

/// Owns the supervisor's look at `--dir`: what is there, and descriptors for reading. Writes no payload. `--dir` itself
/// may be a link; below it nothing may be one.
final class PayloadFiles {
    let path: UserPath
    let identity: StateDirectory.DirectoryIdentity
    /// For the writer: O_PATH.
    let directory: OwnedDescriptor
    private let tree: DirectoryTree

    /// Makes the directory when it is missing.
    /// - Parameter owner: whose it is then; nil: ours.
    convenience init(making path: UserPath, owner: SandboxOrder.Identity? = nil) throws(SystemCallError) {
        try MissingDirectories.make(path, mode: 0o777, owner: owner)
        try self.init(existing: path)
    }

    init(existing path: UserPath) throws(SystemCallError) {
        self.path = path
        directory = OwnedDescriptor(
            try checked(
                "open", subject: path.description,
                path.withCString { clinux_open($0, clinux_o_path | O_DIRECTORY, 0) }))
        var information = stat()
        guard fstat(directory.rawValue, &information) == 0 else {
            throw SystemCallError("fstat", errno, subject: path.description)
        }
        identity = StateDirectory.DirectoryIdentity(
            device: UInt64(information.st_dev), inode: UInt64(information.st_ino))
        tree = DirectoryTree(directory)
    }

    /// The facts of all files of a torrent that exist: those that the user wants, and the parts file.
    /// - Throws: when a link, a directory, a pipe or a device is in the place of a file, or a link or a file in the
    ///   place of a directory.
    func facts(of table: FileTable) throws(SystemCallError) -> [UInt32: FileFact] {
        var survey = tree.lookAround()
        var facts: [UInt32: FileFact] = [:]
        func look(_ number: Int, _ relative: String) throws(SystemCallError) {
            guard let status = try named({ () throws(SystemCallError) in try survey.status(of: relative) }) else {
                return
            }
            facts[UInt32(number)] = FileFact(
                file: UInt32(number), byteCount: status.byteCount, modified: status.modified, inode: status.inode)
        }
        for (number, entry) in table.files.enumerated() where entry.kind == .wanted { try look(number, entry.path) }
        if !table.partsPath.isEmpty { try look(table.files.count, table.partsPath) }
        return facts
    }

    /// Where files have data.
    /// - Parameter facts: of the files to look into.
    func extents(of table: FileTable, _ facts: [UInt32: FileFact]) throws(SystemCallError) -> [UInt32: DataExtents] {
        var extents: [UInt32: DataExtents] = [:]
        for (number, fact) in facts where fact.byteCount > 0 {
            let path = Int(number) < table.files.count ? table.files[Int(number)].path : table.partsPath
            extents[number] = Self.extents(of: try openForReading(path), byteCount: fact.byteCount)
        }
        return extents
    }

    /// - Returns: the whole file where the file system cannot tell.
    private static func extents(of file: OwnedDescriptor, byteCount: UInt64) -> DataExtents {
        var extents = DataExtents()
        var start: Int64 = 0, end: Int64 = 0, known: Int64 = 0
        while true {
            let found = clinux_next_data(file.rawValue, known, &start, &end)
            if found < 0 { extents.append(UInt64(known)..<max(byteCount, UInt64(known))) }
            guard found > 0 else { return extents }
            extents.append(UInt64(start)..<UInt64(end))
            known = end
        }
    }

    /// Opens a file for somebody who reads it; never follows a link, never blocks.
    /// - Parameter relative: below the directory.
    func openForReading(_ relative: String) throws(SystemCallError) -> OwnedDescriptor {
        try named { () throws(SystemCallError) in try tree.openFile(relative, flags: O_RDONLY).descriptor }
    }

    /// Opens a file for `PartsMove`; makes it, and the directories above it, when it is missing.
    func openForMoving(_ relative: String) throws(SystemCallError) -> OwnedDescriptor {
        try named { () throws(SystemCallError) in
            _ = try tree.makeParents(of: relative)
            return try tree.openFile(relative, flags: O_RDWR | O_CREAT, mode: 0o666).descriptor
        }
    }

    /// Removes a file that lies in the directory itself; one that is not there is no error.
    func remove(_ name: String) { unlinkat(directory.rawValue, name, 0) }

    /// Errors name the whole path, as a user would look for it.
    private func named<Result>(
        _ body: () throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        do throws(SystemCallError) { return try body() } catch {
            let whole = error.subject.isEmpty ? path.description : "\(path)/\(error.subject)"
            throw SystemCallError(error.call, error.errno.rawValue, subject: whole)
        }
    }
}
