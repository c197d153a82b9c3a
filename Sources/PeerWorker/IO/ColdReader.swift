import CLinux
import Glibc
import PoolRuntime

/// Owns the thread that reads what is not in the page cache, so that the loop can send it without waiting for a disk. It
/// starts with the first cold byte. What it reads is thrown away: that it is in the cache is the purpose.
final class ColdReader: Sendable {
    struct Job: Sendable {
        /// Names the connection that waits.
        let peer: UInt32
        let file: SharedDescriptor
        let range: Range<UInt64>
    }

    /// A descriptor that another thread may use.
    // Sendable although the descriptor is a class: it is immutable.
    struct SharedDescriptor: @unchecked Sendable {
        let owned: OwnedDescriptor
    }

    struct Answer: Sendable {
        let peer: UInt32
        let range: Range<UInt64>
        /// An errno; 0 when all is there; ENODATA when the file ends before.
        let error: CInt
    }

    private struct Queues {
        var jobs: [Job] = []
        var answers: [Answer] = []
        var hasThread = false
    }
    private let queues = Locked(Queues())
    private let jobsWaiting: EventDescriptor
    private let answersWaiting: EventDescriptor

    init() throws(SystemCallError) {
        jobsWaiting = try EventDescriptor()
        answersWaiting = try EventDescriptor()
    }

    /// Readable when there are answers.
    var descriptor: CInt { answersWaiting.rawValue }

    /// At most one job a connection is under way, which bounds them.
    /// - Throws: when there can be no thread; nothing has happened then.
    func submit(_ job: Job) throws(SystemCallError) {
        let isFirst = queues.withLock { queues in
            defer { queues.hasThread = true }
            return !queues.hasThread
        }
        if isFirst {
            do throws(SystemCallError) { try DetachedThread.start { [self] in run() } } catch {
                queues.withLock { $0.hasThread = false }
                throw error
            }
        }
        queues.withLock { $0.jobs.append(job) }
        jobsWaiting.signal()
    }

    func takeAnswers() -> [Answer] {
        answersWaiting.clear()
        return queues.withLock { queues in
            defer { queues.answers = [] }
            return queues.answers
        }
    }

    private func run() -> Never {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(WarmRange.byteCount), alignment: 4096)
        while true {
            jobsWaiting.wait()
            jobsWaiting.clear()
            while let job = queues.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) {
                let answer = Answer(peer: job.peer, range: job.range, error: Self.read(job, into: buffer))
                queues.withLock { $0.answers.append(answer) }
                answersWaiting.signal()
            }
        }
    }

    private static func read(_ job: Job, into buffer: UnsafeMutableRawBufferPointer) -> CInt {
        var position = job.range.lowerBound
        while position < job.range.upperBound {
            let count = pread(
                job.file.owned.rawValue, buffer.baseAddress, min(buffer.count, Int(job.range.upperBound - position)),
                off_t(position))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? ENODATA : errno }
            position += UInt64(count)
        }
        return 0
    }
}
