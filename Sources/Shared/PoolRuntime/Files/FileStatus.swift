import CLinux
import Glibc

/// What the file system says of a regular file.
package struct FileStatus: Hashable, Sendable {
    package let byteCount: UInt64
    /// Nanoseconds since 1970 of the last change of its content.
    package let modified: Int64
    package let inode: UInt64

    /// Of an open descriptor (O_PATH will do). Refuses all that is no regular file: links, directories, pipes, devices.
    /// - Parameter path: for the error.
    package init(descriptor: CInt, path: String) throws(SystemCallError) {
        var status = clinux_file_status()
        try checked("fstat", subject: path, clinux_file_status(descriptor, &status))
        switch status.mode & S_IFMT {
        case S_IFREG: break
        case S_IFLNK: throw SystemCallError("open", ELOOP, subject: path)
        case S_IFDIR: throw SystemCallError("open", EISDIR, subject: path)
        default: throw SystemCallError("open, which is no regular file", ENXIO, subject: path)
        }
        byteCount = UInt64(max(0, status.byte_count))
        inode = status.inode
        let (whole, overflow) = status.modified_seconds.multipliedReportingOverflow(by: 1_000_000_000)
        modified = overflow ? (status.modified_seconds < 0 ? .min : .max) : whole &+ status.modified_nanoseconds
    }
}
