import CLinux
import Glibc
import SystemPackage

/// Owns the way to everything below one directory. Follows no symbolic link below it and never leaves it, whatever a
/// path says and whoever rearranges the tree meanwhile.
package final class DirectoryTree {
    /// May be an O_PATH descriptor.
    package let descriptor: OwnedDescriptor

    /// openat2(2) answers EAGAIN when somebody renames below the directory during its walk; after as many tries it is
    /// an error (a guess).
    private static let attempts = 64

    package init(_ descriptor: OwnedDescriptor) { self.descriptor = descriptor }

    /// - Parameters:
    ///   - path: relative; names joined by `/`; empty means the directory itself.
    ///   - mode: of a file that O_CREAT makes, before the umask.
    package func open(_ path: String, flags: CInt, mode: UInt32 = 0) throws(SystemCallError) -> OwnedDescriptor {
        let name = path.isEmpty ? "." : path
        var result = clinux_open_beneath(descriptor.rawValue, name, flags, mode)
        var attempt = 1
        while result == -EINTR || (result == -EAGAIN && attempt < Self.attempts) {
            result = clinux_open_beneath(descriptor.rawValue, name, flags, mode)
            attempt += 1
        }
        return OwnedDescriptor(try checked("open", subject: path, result))
    }

    /// Opens a regular file; a pipe or a device in its place is an error and never blocks.
    package func openFile(
        _ path: String, flags: CInt, mode: UInt32 = 0
    ) throws(SystemCallError) -> (descriptor: OwnedDescriptor, status: FileStatus) {
        let file = try open(path, flags: flags | O_NONBLOCK | O_NOCTTY, mode: mode)
        return (file, try FileStatus(descriptor: file.rawValue, path: path))
    }

    /// Makes every missing directory above the last name of `path`.
    /// - Returns: the directories that have a new entry now, the first of all first.
    package func makeParents(of path: String) throws(SystemCallError) -> [String] {
        var changed: [String] = []
        var parent = "", above = descriptor
        for name in path.split(separator: "/").dropLast() {
            let tree = DirectoryTree(above)
            let child = parent.isEmpty ? String(name) : "\(parent)/\(name)"
            if mkdirat(above.rawValue, String(name), 0o777) == 0 {
                changed.append(parent)
            } else if errno != EEXIST {
                throw SystemCallError("mkdir", errno, subject: child)
            }
            do throws(SystemCallError) {
                above = try tree.open(String(name), flags: clinux_o_path | O_DIRECTORY)
            } catch {
                throw SystemCallError(error.call, error.errno.rawValue, subject: child)
            }
            parent = child
        }
        return changed
    }

    /// Looks at many files, whose paths come grouped by directory as a rule, with an open for most.
    package func lookAround() -> Survey { Survey(tree: self) }

    /// One look at the tree; not to be kept, since it remembers a directory that somebody may move away.
    package struct Survey {
        fileprivate let tree: DirectoryTree
        private var parent: (path: Substring, descriptor: OwnedDescriptor?)?

        fileprivate init(tree: DirectoryTree) { self.tree = tree }

        /// - Returns: nil when there is no such file; something else than a file in its place is an error.
        package mutating func status(of path: String) throws(SystemCallError) -> FileStatus? {
            let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
            let folder = slash.map { path[..<$0] } ?? ""
            let name = slash.map { path[path.utf8.index(after: $0)...] } ?? path[...]
            guard let directory = try descriptor(of: folder) else { return nil }
            // By a descriptor: a sandbox that allows to ask by name allows all names.
            do throws(SystemCallError) {
                let file = try DirectoryTree(directory).open(String(name), flags: clinux_o_path | O_NOFOLLOW)
                return try FileStatus(descriptor: file.rawValue, path: path)
            } catch {
                if error.errno.rawValue == ENOENT { return nil }
                throw SystemCallError(error.call, error.errno.rawValue, subject: path)
            }
        }

        private mutating func descriptor(of folder: Substring) throws(SystemCallError) -> OwnedDescriptor? {
            if let parent, parent.path.utf8.elementsEqual(folder.utf8) { return parent.descriptor }
            var found: OwnedDescriptor?
            do throws(SystemCallError) {
                found = try tree.open(String(folder), flags: clinux_o_path | O_DIRECTORY)
            } catch {
                if error.errno.rawValue != ENOENT { throw error }
            }
            parent = (folder, found)
            return found
        }
    }
}
