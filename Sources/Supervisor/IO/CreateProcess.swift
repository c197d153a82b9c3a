import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime
import SystemPackage

/// `supervisor create`: finds the files, has a pool of hash-workers hash them, and writes the torrent when it is whole.
final class CreateProcess {
    private let source: CreateSource
    private var draft: TorrentDraft
    private let output: Output
    private var pool: HashingPool?

    static func run(_ options: CreateOptions, output: Output) -> ExitCode {
        do {
            let signals = try StopSignals()
            let (target, source) = try find(options, signals)
            for line in source.leftOut.lines { output.emit(.warning(line)) }
            let more = source.leftOut.unnamedCount
            if more > 0 { output.emit(.warning("\(options.path): \(more) more left out")) }
            let process = CreateProcess(source, try draft(of: source, options), output)
            for warning in process.draft.outline.warnings.prefix(mostWarnings) {
                output.emit(.warning("\(options.path): \(warning)"))
            }
            let (code, reason) = try process.hash(options, signals)
            guard code == .complete else { return output.finish(code, reason: reason, summary: nil) }
            let (bytes, metainfo) = try process.draft.finished()
            try target.write(bytes, signals: signals)
            output.created(CreateReport(metainfo: metainfo, file: target.file), asJSON: options.hashing.isJSON)
            return output.finish(code, reason: reason, summary: nil)
        } catch let error as UserError {
            return output.finish(error.code, reason: error.description, summary: nil)
        } catch {
            return output.finish(.fileError, reason: "\(error)", summary: nil)
        }
    }

    /// Of the torrent, on the terminal; `show` tells them all.
    private static let mostWarnings = 5

    private static func find(
        _ options: CreateOptions, _ signals: StopSignals
    ) throws(UserError) -> (CreateTarget, CreateSource) {
        let name = try CreateSource.name(of: options.path)
        let target = try CreateTarget(options.target, name: name, replaces: options.replaces)
        let source = try CreateSource(
            options.path, name: name, except: target.existing, isStopWanted: signals.wantStop)
        return (target, source)
    }

    private static func draft(of source: CreateSource, _ options: CreateOptions) throws(UserError) -> TorrentDraft {
        let content = source.content
        var torrent = NewTorrent(
            name: source.name, content: content,
            pieceByteCount: options.pieceByteCount ?? PieceLength.suitable(for: content.byteCount))
        torrent.isPrivate = options.isPrivate
        torrent.source = options.source
        torrent.trackerTiers = options.trackerTiers
        torrent.webSeeds = options.webSeeds
        torrent.comment = options.comment
        torrent.creator = "Swarmkeeper/\(ProgramVersion.text)"
        switch options.date {
        case .now: torrent.creationDate = Int64(WallClock.now)
        case .fixed(let date): torrent.creationDate = date
        case .none: break
        }
        do throws(MetainfoError) {
            return try TorrentDraft(torrent)
        } catch {
            if case .tooManyPieces = error, options.pieceByteCount != nil {
                throw UserError(.badOption, "--piece-length", error.description)
            }
            throw UserError(.invalidTorrent, options.path.description, "makes no torrent", because: error.description)
        }
    }

    private init(_ source: CreateSource, _ draft: TorrentDraft, _ output: Output) {
        self.source = source
        self.draft = draft
        self.output = output
    }

    private func hash(_ options: CreateOptions, _ signals: StopSignals) throws -> HashingPool.Verdict {
        let outline = draft.outline
        let all = SelectedFiles(layout: outline.layout, selection: .all(fileCount: outline.files.count))
        let files = PieceFiles(all) { [source] (file) throws(SystemCallError) in
            guard case .payload(let index) = file else { throw SystemCallError("open", ENOENT, subject: "parts file") }
            return try source.open(index)
        }
        let pieces = (0..<outline.geometry.pieceCount).map { PieceIndex($0) }
        let plan = PoolPlan(checkingWith: options.hashing.hashWorkers)
        let pool = try HashingPool(
            files, Recheck(geometry: outline.geometry, pieces: pieces, fileCount: outline.files.count), plan: plan,
            settings: try options.hashing.poolSettings(plan, telling: output),
            runDirectory: try RunDirectory(environment: options.hashing.environment),
            signals: signals, output: output,
            handlers: HashingPool.Handlers(
                order: { .hashPiece($0, $1, isLast: $2) },
                unreadable: { [unowned self] in failed($0, $1) },
                answered: { [unowned self] in answered($0, isWanted: $1) },
                report: { StatusReport(.hashing, outline, $0, secondsSinceStart: $1) },
                finished: { [unowned self] in finished() }))
        self.pool = pool
        return try pool.run()
    }

    private func answered(_ message: HashWorkerToSupervisor, isWanted: (PieceIndex, Bool) -> Bool) {
        guard case .piecesHashed(let pieces) = message else { return }
        for entry in pieces where isWanted(entry.piece, true) {
            switch entry.outcome {
            case .digest(let digest): draft.set(digest, of: entry.piece)
            case .short: failed(entry.piece, SystemCallError("pread", ENODATA))
            case .unreadable(let errno):
                failed(entry.piece, SystemCallError("pread", CInt(truncatingIfNeeded: errno)))
            }
        }
    }

    /// Most often a piece cannot be read because somebody works on its files.
    private func failed(_ piece: PieceIndex, _ error: SystemCallError) {
        let spans = draft.outline.layout.spans(of: piece)
        let label = source.label(source.files[spans[0].fileIndex])
        let subject = spans.count == 1 ? label : "\(label) or one of the \(spans.count - 1) files after it"
        let problem =
            source.change() ?? UserError(.fileError, subject, "cannot be read", because: error.errno.description)
        pool?.finish(problem.code, problem.description)
    }

    private func finished() {
        if let change = source.change() { return pool?.finish(change.code, change.description) ?? () }
        pool?.finish(.complete, "every piece is hashed")
    }
}
