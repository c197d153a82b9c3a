import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import PoolRuntime

/// Owns the threads that read files, so that the loop always answers, and the two queues between them and the loop.
///
/// Bounded: at most `capacity` jobs are under way, from `submit` until their answers are taken.
final class DiskReader: Sendable {
    /// Enough for the lanes of two threads, for as many again that wait, and few enough to bound what is read in vain.
    static let capacity = 64
    /// Longest that answers wait for others before they wake the loop (chosen: a wake-up costs tens of microseconds).
    private static let answerWait: Duration = .milliseconds(5)

    private struct Queues {
        var jobs: [DiskJob] = []
        var answers: [DiskAnswer] = []
        var counts = AssemblyTable.Counts()
        /// Jobs whose answers were not taken.
        var underWay = 0
        /// Threads that wait, or are about to, and must be woken.
        var idleThreads: [Int] = []
        var isEnding = false
    }
    private let queues = Locked(Queues())
    private let answersWaiting: EventDescriptor
    /// One for each thread, so that none takes another's wake-up away.
    private let wakeUps: [EventDescriptor]
    private let status: StatusPageWriter

    /// - Parameter threadCount: two keep both cores of a hash-worker's share busy, since the loop has nothing to do while
    ///   pieces are re-checked (default of `--hash-workers`: half of the cores).
    init(status: StatusPageWriter, threadCount: Int) throws(SystemCallError) {
        self.status = status
        answersWaiting = try EventDescriptor()
        var wakeUps: [EventDescriptor] = []
        for _ in 0..<threadCount { wakeUps.append(try EventDescriptor()) }
        self.wakeUps = wakeUps
        for index in 0..<threadCount { try DetachedThread.start { [self] in run(index) } }
    }

    // MARK: The loop's side

    /// Readable when there are answers.
    var descriptor: CInt { answersWaiting.rawValue }

    /// - Returns: false, and nothing happens, when `capacity` jobs are under way.
    func submit(_ job: DiskJob) -> Bool {
        let (isTaken, idle) = queues.withLock { queues -> (Bool, [Int]) in
            guard queues.underWay < Self.capacity else { return (false, []) }
            queues.underWay += 1
            queues.jobs.append(job)
            defer { queues.idleThreads.removeAll() }
            return (true, queues.idleThreads)
        }
        for index in idle { wakeUps[index].signal() }
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

    /// The threads end after the turn that they are in. Jobs under way are not answered.
    func stop() {
        queues.withLock { $0.isEnding = true }
        for wakeUp in wakeUps { wakeUp.signal() }
    }

    // MARK: The threads' side

    private enum Work {
        /// - Parameter isLast: the queue is empty now.
        case jobs([DiskJob], isLast: Bool)
        /// Nothing to do until the thread is woken.
        case wait
        case end
    }

    private func run(_ index: Int) {
        // The page has one place for a disk call: the first thread speaks for all, since they share the work.
        let status = index == 0 ? status : nil
        var lanes = RecheckLanes(status: status)
        var answers: [DiskAnswer] = []
        var answersSince = MonotonicInstant.distantFuture
        while true {
            switch takeJobs(index, laneCount: lanes.freeCount, isBusy: !lanes.isEmpty) {
            case .end: return
            case .wait:
                wakeUps[index].wait()
                wakeUps[index].clear()
            case .jobs(let jobs, let isLast):
                for job in jobs { start(job, in: &lanes, status, into: &answers) }
                if !lanes.isEmpty { lanes.turn(into: &answers) }
                guard !answers.isEmpty else { continue }
                let now = MonotonicClock.now
                answersSince = min(answersSince, now)
                if answers.count >= SHA1Lanes.width || isLast || now - answersSince >= Self.answerWait {
                    publish(&answers, lanes.takeCounts())
                    answersSince = .distantFuture
                }
            }
        }
    }

    /// Never more jobs than there are lanes, so that none of them has to be kept.
    private func takeJobs(_ index: Int, laneCount: Int, isBusy: Bool) -> Work {
        queues.withLock { queues in
            if queues.isEnding { return .end }
            if queues.jobs.isEmpty && !isBusy {
                if !queues.idleThreads.contains(index) { queues.idleThreads.append(index) }
                return .wait
            }
            let jobs = Array(queues.jobs.prefix(laneCount))
            queues.jobs.removeFirst(jobs.count)
            return .jobs(jobs, isLast: queues.jobs.isEmpty)
        }
    }

    private func start(
        _ job: DiskJob, in lanes: inout RecheckLanes, _ status: StatusPageWriter?, into answers: inout [DiskAnswer]
    ) {
        switch job.purpose {
        case .hash(let piece): lanes.take(piece, SpanReader(job.spans))
        case .restore(let assignment, let blocks):
            let bytes = status.duringRead { read(blocks, of: job.spans) }
            answers.append(.restored(assignment, blocks: blocks, bytes: bytes))
        }
    }

    private func publish(_ answers: inout [DiskAnswer], _ counts: AssemblyTable.Counts) {
        let wasEmpty = queues.withLock { queues in
            defer {
                queues.answers += answers
                queues.counts.add(counts)
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
