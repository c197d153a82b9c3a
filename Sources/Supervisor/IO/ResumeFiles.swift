import CLinux
import Glibc
import PoolProtocol
import PoolRuntime
import SystemPackage

/// Owns one journal before the writer gets it: reads what the last run left, and replaces it by a short one. Believes
/// nothing; `ResumeRecord` decides that in between.
struct ResumeFiles {
    /// What the last run left.
    struct Found {
        /// nil: no journal, or one that cannot be read.
        var state: JournalState?
        /// Nanoseconds since 1970 of the journal's last change.
        var modified: Int64 = 0
        /// What is wrong with it, for a warning; nil when nothing is, or when there is none.
        var complaint: String?
    }

    /// A journal larger than this is not read: 2²¹ pieces recorded one by one take 8 MiB, 3 million files 84 MiB.
    private static let largestByteCount = 1 << 30

    let path: UserPath

    /// Reads the journal.
    /// - Throws: when the file is there and the system does not let us read it.
    func read(_ subject: JournalSubject) throws(SystemCallError) -> Found {
        let descriptor = path.withCString { clinux_open($0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0) }
        if descriptor == -ENOENT { return Found() }
        let file = OwnedDescriptor(try checked("open", subject: path.description, descriptor))
        let status = try FileStatus(descriptor: file.rawValue, path: path.description)
        guard status.byteCount <= Self.largestByteCount else { return Found(complaint: "\(path) is too large") }
        let bytes = try contents(of: file, byteCount: Int(status.byteCount))
        do throws(JournalRefusal) {
            let reading = try JournalReader.read(bytes, subject: subject)
            return Found(
                state: reading.state, modified: status.modified,
                complaint: reading.damage.map { "\(path) \($0) at byte \(reading.validByteCount)" })
        } catch {
            return Found(complaint: "\(path) \(error)")
        }
    }

    /// Puts a journal with this state in the place of what is there, at once and for good: whoever looks finds the old
    /// one or the new one, after a power cut too.
    /// - Returns: the journal, open for reading and appending.
    func replace(with state: JournalState) throws(SystemCallError) -> OwnedDescriptor {
        let fresh = path + ".new"
        let file = OwnedDescriptor(
            try checked(
                "open", subject: fresh.description,
                fresh.withCString { clinux_open($0, O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600) }))
        try write(JournalWriter.compacted(state), to: file, path: fresh)
        guard fsync(file.rawValue) == 0 else { throw SystemCallError("fsync", errno, subject: fresh.description) }
        guard fresh.withCString({ old in path.withCString { rename(old, $0) } }) == 0 else {
            throw SystemCallError("rename", errno, subject: path.description)
        }
        let parent = path.parent
        let directory = OwnedDescriptor(
            try checked(
                "open", subject: parent.description,
                parent.withCString { clinux_open($0, O_RDONLY | O_DIRECTORY, 0) }))
        guard fsync(directory.rawValue) == 0 else { throw SystemCallError("fsync", errno, subject: parent.description) }
        return file
    }

    private func contents(of file: OwnedDescriptor, byteCount: Int) throws(SystemCallError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        var done = 0
        while done < byteCount {
            let count = bytes.withUnsafeMutableBytes {
                pread(file.rawValue, $0.baseAddress! + done, byteCount - done, off_t(done))
            }
            if count == 0 { break }
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw SystemCallError("read", errno, subject: path.description)
            }
        }
        return Array(bytes.prefix(done))
    }

    private func write(_ bytes: [UInt8], to file: OwnedDescriptor, path: UserPath) throws(SystemCallError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file.rawValue, $0.baseAddress! + done, bytes.count - done)
            }
            if count > 0 {
                done += count
            } else if count == 0 || errno != EINTR {
                throw SystemCallError("write", count == 0 ? ENOSPC : errno, subject: path.description)
            }
        }
    }
}
