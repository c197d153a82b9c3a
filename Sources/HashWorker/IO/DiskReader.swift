import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import PoolRuntime
import Synchronization

/// Owns the thread that reads files, so that the loop always answers, and the two queues between them.
///
/// Bounded: at most `capacity` jobs are under way, from `submit` until their answers are taken.
final class DiskReader: Sendable {
    /// Enough for the lanes of two rounds and their answers, few enough to bound what is read ahead in vain (chosen).
    static let capacity = 64
    /// Longest that answers wait for others before they wake the loop (chosen: a wake-up costs tens of microseconds).
    private static let answerWait: Duration = .milliseconds(5)

    private struct Queues {
        var jobs: [DiskJob] = []
        var answers: [DiskAnswer] = []
        var counts = AssemblyTable.Counts()
        /// Jobs whose answers were not taken.
        var underWay = 0
        var isEnding = false
    }
    private let queues = Mutex(Queues())
    private let jobsWaiting: EventDescriptor
    private let answersWaiting: EventDescriptor
    private let status: StatusPageWriter

    init(status: StatusPageWriter) throws(SystemCallError) {
        self.status = status
        jobsWaiting = try EventDescriptor()
        answersWaiting = try EventDescriptor()
        var thread = pthread_t()
        let error = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<DiskReader>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard error == 0 else { throw SystemCallError("pthread_create", error) }
        pthread_detach(thread)
    }

    // MARK: The loop's side

    /// Readable when there are answers.
    var descriptor: CInt { answersWaiting.rawValue }

    /// - Returns: false, and nothing happens, when `capacity` jobs are under way.
    func submit(_ job: DiskJob) -> Bool {
        let (isTaken, isFirst) = queues.withLock { queues in
            guard queues.underWay < Self.capacity else { return (false, false) }
            queues.underWay += 1
            queues.jobs.append(job)
            return (true, queues.jobs.count == 1)
        }
        if isFirst { jobsWaiting.signal() }
        return isTaken
    }

    /// Everything that was answered, and the totals since the start.
    func takeAnswers() -> (answers: [DiskAnswer], counts: AssemblyTable.Counts) {
        answersWaiting.clear()
        return queues.withLock { queues in
            let answers = queues.answers
            queues.answers = []
            queues.underWay -= answers.count
            return (answers, queues.counts)
        }
    }

    /// The thread ends after the turn that it is in. Jobs under way are not answered.
    func stop() {
        queues.withLock { $0.isEnding = true }
        jobsWaiting.signal()
    }

    // MARK: The thread's side

    private func run() {
        var lanes = RecheckLanes()
        var answers: [DiskAnswer] = []
        var answersSince = MonotonicInstant.distantFuture
        while true {
            let (jobs, isDry, isEnding) = takeJobs(atMost: lanes.freeCount)
            if isEnding { return }
            for job in jobs {
                switch job.purpose {
                case .recheck(let torrent, let piece, let digest):
                    lanes.take(torrent: torrent, piece: piece, digest: digest, SpanReader(job.spans))
                case .restore(let assignment, let blocks):
                    let bytes = status.during(.read) { read(blocks, of: job.spans) }
                    answers.append(.restored(assignment, blocks: blocks, bytes: bytes))
                }
            }
            if !lanes.isEmpty { lanes.turn(status: status, into: &answers) }
            if !answers.isEmpty {
                let now = MonotonicClock.now
                answersSince = min(answersSince, now)
                if answers.count >= SHA1Lanes.width || isDry || now - answersSince >= Self.answerWait {
                    publish(&answers, lanes.counts)
                    answersSince = .distantFuture
                }
            }
            if lanes.isEmpty && jobs.isEmpty {
                jobsWaiting.wait()
                jobsWaiting.clear()
            }
        }
    }

    /// Never more jobs than there are lanes, so that none of them has to be kept.
    /// - Returns: also whether no more are waiting.
    private func takeJobs(atMost count: Int) -> ([DiskJob], isDry: Bool, isEnding: Bool) {
        queues.withLock { queues in
            let jobs = Array(queues.jobs.prefix(count))
            queues.jobs.removeFirst(jobs.count)
            return (jobs, queues.jobs.isEmpty, queues.isEnding)
        }
    }

    private func publish(_ answers: inout [DiskAnswer], _ counts: AssemblyTable.Counts) {
        let wasEmpty = queues.withLock { queues in
            defer {
                queues.answers += answers
                queues.counts = counts
            }
            return queues.answers.isEmpty
        }
        answers.removeAll(keepingCapacity: true)
        if wasEmpty { answersWaiting.signal() }
    }

    /// - Returns: nil when they cannot be read.
    private func read(_ blocks: Range<UInt32>, of spans: [OpenSpan]) -> [UInt8]? {
        let blockByteCount = Int(TorrentGeometry.blockByteCount)
        var reader = SpanReader(spans)
        reader.skip(byteCount: Int(blocks.lowerBound) * blockByteCount)
        let byteCount = min(blocks.count * blockByteCount, reader.remainingByteCount)
        return try? [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
            try reader.read(into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: byteCount))
            initializedCount = byteCount
        }
    }
}
