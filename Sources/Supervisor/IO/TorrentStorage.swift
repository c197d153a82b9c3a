import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime
import SystemPackage

/// Owns what one torrent has on disk before its writer comes: the directory, the locks, the journal, and what of the
/// last run is believed. Holds the lock for as long as it lives.
final class TorrentStorage {
    let selected: SelectedFiles
    let fileTable: FileTable
    let directoryPath: UserPath
    /// `--dir`, O_PATH.
    let directory: OwnedDescriptor
    /// Open for appending.
    let journal: OwnedDescriptor
    let writerLock: OwnedDescriptor
    let sync: SyncMode
    let allocation: FileAllocation
    /// Pieces that are ours without a look at them.
    let trusted: [PieceIndex]
    /// Pieces whose bytes are on disk and for which nobody vouches.
    let toCheck: [PieceIndex]
    /// Unverified blocks that can be read back, as bit maps.
    let partials: [PieceIndex: [UInt8]]
    /// What was given to others in the runs before.
    let uploadedBefore: UInt64
    private let payload: PayloadFiles
    private let lock: FileLock
    /// Of the files; nil: ourselves.
    private let owner: SandboxOrder.Identity?

    /// - Parameter owner: of what is made below `--dir`; nil: ourselves.
    init(
        _ metainfo: Metainfo, _ options: DownloadOptions, owner: SandboxOrder.Identity? = nil, output: Output
    ) throws(UserError) {
        let name = TerminalText.escaped(metainfo.name.relative)
        selected = SelectedFiles(layout: metainfo.layout, selection: try options.selection(of: metainfo))
        guard !selected.wantedPieces.isEmpty else {
            throw UserError(.badOption, OptionName.selectFile.flag, "selects no byte of \(name)")
        }
        fileTable = FileTable(infoHash: metainfo.infoHash, selected: selected)
        directoryPath = options.directory
        self.owner = owner
        sync = options.sync
        allocation = options.allocation
        do throws(SystemCallError) {
            payload = try PayloadFiles(making: options.directory, owner: owner)
            guard options.directory.withCString({ access($0, W_OK | X_OK) }) == 0 else {
                throw SystemCallError("open for writing", errno, subject: options.directory.description)
            }
            directory = payload.directory
            let state = try StateDirectory(option: options.stateDirectory, environment: options.environment)
            let names = state.names(of: metainfo.infoHash, in: payload.identity)
            lock = try Self.take(names.lock, name: name, directory: options.directory)
            writerLock = try FileLock.openForWriter(names.writerLock)
            let files = ResumeFiles(path: names.journal)
            let found = try files.read(fileTable.journalSubject)
            if let complaint = found.complaint { output.emit(.warning("\(complaint); the files are checked instead")) }
            if let state = found.state {
                let move = PartsMove(
                    journal: state, selected: selected, payload: payload,
                    partsPath: PartsFile.name(of: metainfo.infoHash))
                let complaints = try FileOwner.acting(as: owner) { () throws(SystemCallError) -> [String] in
                    try move.carryOut()
                }
                for complaint in complaints { output.emit(.warning(complaint)) }
            }
            var evidence = ResumeRecord.Evidence(
                journal: found.state, journalModified: found.modified, files: try payload.facts(of: fileTable))
            if evidence.hasDied { evidence.extents = try payload.extents(of: fileTable, evidence.files) }
            let record = ResumeRecord(
                evidence, infoHash: metainfo.infoHash, selected: selected, checksEverything: options.verifiesFirst)
            for file in record.changedFiles {
                let path =
                    Int(file) < metainfo.files.count ? metainfo.files[Int(file)].path.relative : fileTable.partsPath
                output.emit(.warning("\(TerminalText.escaped(path)): changed since the last run; it is checked"))
            }
            journal = try files.replace(with: record.state)
            trusted = record.trusted.members
            toCheck = record.toCheck.members
            partials = record.partials.mapValues(\.bits)
            uploadedBefore = record.state.uploadedByteCount
        } catch { throw Self.userError(error) }
    }

    /// Everything is in its files: no byte is in the hidden parts file that is not in one of them.
    func removeUnusedParts() {
        if fileTable.partsPath.isEmpty { payload.remove(PartsFile.name(of: fileTable.infoHash)) }
    }

    /// Opens a file of the torrent for a worker, with the rights of the user that the worker is.
    func openForReading(_ file: PieceFiles.File) throws(SystemCallError) -> OwnedDescriptor {
        let path =
            switch file {
            case .payload(let index): fileTable.files[index].path
            case .parts: fileTable.partsPath
            }
        return try FileOwner.acting(as: owner) { () throws(SystemCallError) in try payload.openForReading(path) }
    }

    private static func take(_ path: UserPath, name: String, directory: UserPath) throws(SystemCallError) -> FileLock {
        do throws(FileLock.Refusal) { return try FileLock(path: path) } catch {
            switch error {
            case .held: throw SystemCallError("flock", EWOULDBLOCK, subject: "\(name) in \(directory)")
            case .failed(let error): throw error
            }
        }
    }

    private static func userError(_ error: SystemCallError) -> UserError {
        let subject = TerminalText.escaped(error.subject)
        if error.call == "flock" && error.errno.rawValue == EWOULDBLOCK {
            return UserError(.inUse, subject, "another supervisor downloads this torrent into this directory")
        }
        return UserError(.fileError, subject, "\(error.errno)", because: error.call)
    }
}

extension PieceSet {
    /// Ascending.
    var members: [PieceIndex] {
        var list: [PieceIndex] = []
        list.reserveCapacity(count)
        forEach { list.append($0) }
        return list
    }
}
