import Glibc
import PoolProtocol
import PoolRuntime
import SystemPackage

/// Owns the writer's end of one journal: appends whole records only. Disk thread only.
final class JournalFile {
    /// How errors name it; its real path is the supervisor's business.
    static let name = "resume journal"

    private let descriptor: OwnedDescriptor
    private var byteCount = 0

    /// - Parameter descriptor: open for reading and appending.
    init(_ descriptor: OwnedDescriptor) { self.descriptor = descriptor }

    /// Reads what is there and cuts what a predecessor could not finish, since nobody would read on behind it.
    func prepare(_ subject: JournalSubject) throws(SystemCallError) -> JournalState {
        let bytes = try contents()
        let reading: JournalReading
        do throws(JournalRefusal) {
            reading = try JournalReader.read(bytes, subject: subject)
        } catch {
            throw SystemCallError("read, which \(error)", EBADMSG, subject: Self.name)
        }
        byteCount = reading.validByteCount
        if bytes.count > byteCount { try cut() }
        return reading.state
    }

    /// Appends with one `write`, as a rule.
    /// - Throws: and nothing was appended.
    func append(_ records: [JournalRecord]) throws(SystemCallError) {
        let bytes = JournalWriter.encode(records)
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes { write(descriptor.rawValue, $0.baseAddress! + done, $0.count - done) }
            if written > 0 {
                done += written
            } else if written == 0 || errno != EINTR {
                let error = SystemCallError("write", written == 0 ? ENOSPC : errno, subject: Self.name)
                if done > 0 { try? cut() }
                throw error
            }
        }
        byteCount += bytes.count
    }

    func sync() throws(SystemCallError) {
        guard fdatasync(descriptor.rawValue) == 0 else { throw SystemCallError("fdatasync", errno, subject: Self.name) }
    }

    private func cut() throws(SystemCallError) {
        guard ftruncate(descriptor.rawValue, off_t(byteCount)) == 0 else {
            throw SystemCallError("ftruncate", errno, subject: Self.name)
        }
    }

    private func contents() throws(SystemCallError) -> [UInt8] {
        let length = try FileStatus(descriptor: descriptor.rawValue, path: Self.name).byteCount
        var bytes = [UInt8](repeating: 0, count: Int(length))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor.rawValue, $0.baseAddress! + done, $0.count - done, off_t(done))
            }
            if count > 0 {
                done += count
            } else if count == 0 {
                break
            } else if errno != EINTR {
                throw SystemCallError("read", errno, subject: Self.name)
            }
        }
        return Array(bytes.prefix(done))
    }
}
