import BitTorrent
import PoolProtocol

/// Owns what hash-workers handed over for one torrent and what the disk thread reads of it right now. An assignment is
/// answered once all its bytes were written; a repeated one is answered again and never read again, since its frames
/// may hold another piece by then.
struct WriteQueue {
    struct Key: Hashable {
        let assignment: AssignmentID
        let isWhole: Bool
    }

    /// Adjacent frames of one assignment.
    struct Job: Equatable {
        let key: Key
        /// Of the hash-worker that named the frames.
        let generation: UInt32
        /// Place in the piece of the first frame.
        let firstFrame: Int
        let frames: [UInt32]

        var part: Range<Int> { firstFrame..<firstFrame + frames.count }
    }

    /// An assignment whose frames are no longer read.
    struct Answer: Equatable {
        let place: Place
        let assignment: AssignmentID
        let piece: PieceIndex
        /// nil: not all of it is in the files (its hash-worker died half-way); only the frames are free.
        let content: PieceWrite.Content?
    }

    /// So that a failure, or a replacement, never waits for much: a batch takes some milliseconds.
    static let batchByteCount = 16 << 20
    /// Within `Topology.maximumListCount`, since a batch may be named in one message.
    static let batchJobCount = 256

    private var writes: [Key: PieceWrite] = [:]
    private var waiting: [Job] = []
    /// Taken from `waiting` already.
    private var waitingStart = 0
    private var reading: [Job] = []
    private var answeredWhole = AssignmentSet()
    private var answeredBlocks = AssignmentSet()

    /// Assignments without an answer.
    var count: Int { writes.count }
    /// Nothing waits and nothing is being read; parts of assignments may still be missing.
    var isIdle: Bool { waitingStart == waiting.count && reading.isEmpty }
    var hasWaiting: Bool { waitingStart < waiting.count }

    /// Whether the assignment names the same piece as before; its frames are counted by that.
    func isConsistent(_ batch: FrameBatch, content: PieceWrite.Content) -> Bool {
        let key = Key(assignment: batch.assignment, isWhole: content == .whole)
        return writes[key].map { $0.piece == batch.piece } ?? true
    }

    /// - Returns: an answer when the assignment was written before.
    mutating func received(_ batch: FrameBatch, content: PieceWrite.Content, from sender: Incarnation) -> Answer? {
        let key = Key(assignment: batch.assignment, isWhole: content == .whole)
        if (key.isWhole ? answeredWhole : answeredBlocks).contains(batch.assignment) {
            return Answer(place: sender.place, assignment: batch.assignment, piece: batch.piece, content: content)
        }
        // A successor names its own frames; what is still read of its predecessor's counts no more.
        let known = writes[key].flatMap { $0.owner == sender ? $0 : nil }
        var write = known ?? PieceWrite(batch, content: content, owner: sender)
        let first = Int(batch.firstFrame)
        for run in write.take(first..<first + batch.frames.count) {
            let frames = Array(batch.frames[(run.lowerBound - first)..<(run.upperBound - first)])
            waiting.append(Job(key: key, generation: sender.generation, firstFrame: run.lowerBound, frames: frames))
        }
        if write.isDone { return finish(write, key) }
        writes[key] = write
        return nil
    }

    /// Takes the next jobs, first come, first served.
    /// - Returns: where their bytes lie; empty when nothing waits.
    mutating func take(geometry: TorrentGeometry, regions: [Place: AssemblyGeometry]) -> [WritePlan.Source] {
        precondition(reading.isEmpty, "one batch at a time")
        var sources: [WritePlan.Source] = []
        var byteCount = 0
        while waitingStart < waiting.count, reading.count < Self.batchJobCount, byteCount < Self.batchByteCount {
            let job = waiting[waitingStart]
            waitingStart += 1
            guard let write = writes[job.key], let region = regions[write.owner.place] else {
                preconditionFailure("a job without its assignment or its region")
            }
            let pieceOffset = geometry.offset(of: write.piece)
            for (index, frame) in zip(job.part, job.frames) {
                let frameStart = index * AssemblyGeometry.frameByteCount
                for range in write.ranges(ofFrame: index) {
                    sources.append(
                        WritePlan.Source(
                            offset: pieceOffset + UInt64(range.lowerBound), region: write.owner.place.ordinal,
                            regionOffset: region.offset(ofFrame: frame) + Int(range.lowerBound) - frameStart,
                            byteCount: range.count))
                    byteCount += range.count
                }
            }
            reading.append(job)
        }
        if waitingStart == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            waitingStart = 0
        }
        return sources
    }

    /// The taken jobs are in the files.
    mutating func batchWritten() -> [Answer] {
        let jobs = reading
        reading = []
        for job in jobs where isCurrent(job) { writes[job.key]?.written(job.part) }
        var answers: [Answer] = []
        for job in jobs {
            guard isCurrent(job), let write = writes[job.key] else { continue }
            if write.isDone {
                answers.append(finish(write, job.key))
            } else if write.isOrphan {
                answers.append(release(write, job.key))
            }
        }
        return answers
    }

    /// The taken jobs failed: they are the first to be tried again, all of them, since a repeated write does no harm.
    mutating func batchFailed() -> [Answer] {
        let jobs = reading
        reading = []
        var answers: [Answer] = []
        var again: [Job] = []
        for job in jobs {
            guard isCurrent(job), let write = writes[job.key] else { continue }
            if write.isOrphan { answers.append(release(write, job.key)) } else { again.append(job) }
        }
        waiting = again + waiting[waitingStart...]
        waitingStart = 0
        return answers
    }

    /// Gives up all that waits: nobody will read the answers any more.
    mutating func dropWaiting() {
        waiting = []
        waitingStart = 0
        let kept = Set(reading.map(\.key))
        writes = writes.filter { kept.contains($0.key) }
    }

    /// The hash-worker died, or its place stays empty: what it handed over is dropped, unless it is being read.
    /// - Returns: the assignments whose frames are being read right now.
    mutating func ownerDied(_ place: Place, before generation: UInt32) -> [AssignmentID] {
        func isDead(_ owner: Incarnation) -> Bool { owner.place == place && owner.generation < generation }
        let readKeys = Set(reading.map(\.key))
        let dropped = waiting[waitingStart...].filter { isDead(writes[$0.key]!.owner) }
        waiting = waiting[waitingStart...].filter { !isDead(writes[$0.key]!.owner) }
        waitingStart = 0
        for job in dropped { writes[job.key]?.dropped(job.part) }
        var stillReading: [AssignmentID] = []
        for (key, write) in writes where isDead(write.owner) {
            if readKeys.contains(key) {
                writes[key]?.isOrphan = true
                stillReading.append(key.assignment)
            } else {
                writes[key] = nil
            }
        }
        return stillReading.sorted()
    }

    private func isCurrent(_ job: Job) -> Bool { writes[job.key]?.owner.generation == job.generation }

    private mutating func finish(_ write: PieceWrite, _ key: Key) -> Answer {
        writes[key] = nil
        if key.isWhole { answeredWhole.insert(key.assignment) } else { answeredBlocks.insert(key.assignment) }
        return Answer(
            place: write.owner.place, assignment: key.assignment, piece: write.piece, content: write.content)
    }

    private mutating func release(_ write: PieceWrite, _ key: Key) -> Answer {
        writes[key] = nil
        return Answer(place: write.owner.place, assignment: key.assignment, piece: write.piece, content: nil)
    }

    func checkInvariants() {
        precondition(waitingStart <= waiting.count)
        for job in waiting[waitingStart...] { precondition(writes[job.key]?.isOrphan == false) }
        for job in reading { precondition(writes[job.key] != nil) }
    }
}
