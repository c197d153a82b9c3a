import Glibc

/// What the file system says of a regular file.
package struct FileStatus: Hashable, Sendable {
    package let byteCount: UInt64
    /// Nanoseconds since 1970 of the last change of its content.
    package let modified: Int64
    package let inode: UInt64

    /// Refuses all that is no regular file: links, directories, pipes, devices.
    /// - Parameter path: for the error.
    init(_ information: stat, path: String) throws(SystemCallError) {
        switch information.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFLNK: throw SystemCallError("open", ELOOP, subject: path)
        case S_IFDIR: throw SystemCallError("open", EISDIR, subject: path)
        default: throw SystemCallError("open, which is no regular file", ENXIO, subject: path)
        }
        byteCount = UInt64(max(0, information.st_size))
        inode = UInt64(information.st_ino)
        let seconds = Int64(information.st_mtim.tv_sec)
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        modified = overflow ? (seconds < 0 ? .min : .max) : whole &+ Int64(information.st_mtim.tv_nsec)
    }

    /// Of an open descriptor.
    package init(descriptor: CInt, path: String) throws(SystemCallError) {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw SystemCallError("fstat", errno, subject: path) }
        try self.init(information, path: path)
    }
}
