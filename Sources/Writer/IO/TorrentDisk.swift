import Glibc
import PoolProtocol
import PoolRuntime
import SystemPackage

/// Carries out the orders for one torrent. Disk thread only, once it was handed over; every call may block.
final class TorrentDisk {
    private let files: TorrentFiles
    private let journal: JournalFile
    private let lock: OwnedDescriptor
    private let counters: DiskCounters
    private let forcesToDisk: Bool
    /// What the journal said when this life began; nil before `prepare`.
    private var before: JournalState?

    init(files: TorrentFiles, journal: JournalFile, lock: OwnedDescriptor, counters: DiskCounters, forcesToDisk: Bool) {
        self.files = files
        self.journal = journal
        self.lock = lock
        self.counters = counters
        self.forcesToDisk = forcesToDisk
    }

    var torrent: UInt16 { files.torrent }

    func perform(_ order: DiskOrder, addresses: [UInt16: UnsafeRawPointer]) -> DiskOutcome {
        switch order {
        case .lock: takeLock()
        case .prepare: attempt { () throws(StageError) in try prepare() }
        case .write(_, let plan):
            attempt { () throws(StageError) in
                try at(.writing) { () throws(SystemCallError) in try files.write(plan, addresses: addresses) }
                recordNewFiles()
            }
        case .sync(_, let batch): attempt { () throws(StageError) in try sync(batch) }
        case .record(_, let records): attempt { () throws(StageError) in try record(records) }
        case .finish: attempt { () throws(StageError) in try finish() }
        }
    }

    private func takeLock() -> DiskOutcome {
        while true {
            if counters.during(.lock, { flock(lock.rawValue, LOCK_EX | LOCK_NB) }) == 0 { return .done }
            if errno == EINTR { continue }
            let isHeld = errno == EWOULDBLOCK
            let failure = failure(.writing, SystemCallError("flock", errno, subject: "the writer's lock"))
            return isHeld ? .lockIsHeld(failure) : .failed(failure)
        }
    }

    private func prepare() throws(StageError) {
        try at(.recording) { () throws(SystemCallError) in
            before = try counters.during(.read) { () throws(SystemCallError) in
                try journal.prepare(files.map.table.journalSubject)
            }
        }
        if let before { files.expect(before) }
        try at(.writing) { () throws(SystemCallError) in try files.prepare() }
    }

    private func sync(_ batch: SyncPolicy.Batch) throws(StageError) {
        try at(.syncing) { () throws(SystemCallError) in
            try files.inherit(batch.inheritedFiles)
            try files.sync()
        }
        var records: [JournalRecord] = []
        if !batch.pieces.isEmpty { records.append(.piecesSynced(batch.pieces)) }
        for partial in batch.partials { records.append(.partial(partial.piece, partial.blocks)) }
        try record(records)
    }

    private func record(_ records: [JournalRecord]) throws(StageError) {
        let identities = newIdentities
        try at(.recording) { () throws(SystemCallError) in
            try counters.during(.write) { () throws(SystemCallError) in
                try journal.append((identities.isEmpty ? [] : [.filesKnown(identities)]) + records)
            }
            files.identitiesRecorded()
            // A beat is for the journal's time stamp only, which the next start reads after a crash, not a power cut.
            if forcesToDisk && records != [.beat] {
                try counters.syncing { () throws(SystemCallError) in try journal.sync() }
            }
        }
    }

    /// Names files that were opened for the first time, without waiting for the sync that follows their first pieces: a
    /// next start that does not know a file as ours has to read all of it. What cannot be told now is told then.
    private func recordNewFiles() {
        let identities = newIdentities
        guard !identities.isEmpty else { return }
        do throws(SystemCallError) {
            try counters.during(.write) { () throws(SystemCallError) in
                try journal.append([.filesKnown(identities)])
            }
            files.identitiesRecorded()
        } catch { return }
    }

    private var newIdentities: [FileIdentity] {
        files.newIdentities.sorted { $0.file < $1.file }
    }

    private func finish() throws(StageError) {
        guard let before else { preconditionFailure("a torrent is finished after it was prepared") }
        try at(.syncing) { () throws(SystemCallError) in try files.sync() }
        var facts: [FileFact] = []
        var changed: String?
        try at(.recording) { () throws(SystemCallError) in
            (facts, changed) = try counters.during(.read) { () throws(SystemCallError) in try files.facts(before) }
        }
        // The next start looks at what has no facts.
        try record([.cleanStop(facts)])
        if let changed { throw StageError(stage: .recording, error: FileWitness.change(of: changed)) }
    }

    // MARK: errors

    private struct StageError: Error {
        let stage: DiskFailure.Stage
        let error: SystemCallError
    }

    private func at(_ stage: DiskFailure.Stage, _ body: () throws(SystemCallError) -> Void) throws(StageError) {
        do throws(SystemCallError) { try body() } catch { throw StageError(stage: stage, error: error) }
    }

    private func attempt(_ body: () throws(StageError) -> Void) -> DiskOutcome {
        do throws(StageError) {
            try body()
            return .done
        } catch { return .failed(failure(error.stage, error.error)) }
    }

    private func failure(_ stage: DiskFailure.Stage, _ error: SystemCallError) -> DiskFailure {
        DiskFailure(
            torrent: torrent, stage: stage, call: error.call, errno: error.errno.rawValue, path: error.subject)
    }
}
