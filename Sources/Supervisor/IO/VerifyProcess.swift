import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime

/// `supervisor verify`: hashes the files of a torrent with a pool of hash-workers and nothing else. Writes nothing.
final class VerifyProcess {
    private let metainfo: Metainfo
    private let output: Output
    private var report: VerifyReport
    private var pool: HashingPool?

    static func run(_ options: VerifyOptions, _ metainfo: Metainfo, output: Output) -> ExitCode {
        do {
            let process = VerifyProcess(metainfo, output)
            let (code, reason) = try process.run(options)
            if code == .complete || code == .verifyFailed {
                output.verified(process.report, asJSON: options.hashing.isJSON)
            }
            return output.finish(code, reason: reason, summary: nil)
        } catch let error as UserError {
            return output.finish(error.code, reason: error.description, summary: nil)
        } catch {
            return output.finish(.fileError, reason: "\(error)", summary: nil)
        }
    }

    private init(_ metainfo: Metainfo, _ output: Output) {
        self.metainfo = metainfo
        self.output = output
        report = VerifyReport(metainfo: metainfo)
    }

    private func run(_ options: VerifyOptions) throws -> HashingPool.Verdict {
        let signals = try StopSignals()
        let payload = try PayloadFiles(existing: options.directory)
        let metainfo = self.metainfo
        let selected = SelectedFiles(
            layout: metainfo.layout, selection: FileSelection.all(fileCount: metainfo.files.count))
        let files = PieceFiles(selected) { (file) throws(SystemCallError) in
            guard case .payload(let index) = file else { throw SystemCallError("open", ENOENT, subject: "parts file") }
            return try payload.openForReading(metainfo.files[index].path.relative)
        }
        var pieces: [PieceIndex] = []
        selected.wantedPieces.forEach { pieces.append($0) }
        let plan = PoolPlan(checkingWith: options.hashing.hashWorkers)
        let pool = try HashingPool(
            files, Recheck(geometry: metainfo.geometry, pieces: pieces, fileCount: metainfo.files.count), plan: plan,
            settings: try options.hashing.poolSettings(plan, telling: output),
            runDirectory: try RunDirectory(environment: options.hashing.environment), signals: signals, output: output,
            handlers: handlers)
        self.pool = pool
        return try pool.run()
    }

    private var handlers: HashingPool.Handlers {
        HashingPool.Handlers(
            order: { [metainfo] piece, spans, isLast in
                .recheck(
                    torrent: 0, piece: piece, digest: metainfo.hash(of: piece).digest, spans, isLast: isLast)
            },
            unreadable: { [unowned self] in report.missing($0, because: "\($1)") },
            answered: { [unowned self] in answered($0, isWanted: $1) },
            report: { [metainfo] in StatusReport(.checking, metainfo, $0, secondsSinceStart: $1) },
            finished: { [unowned self] in
                pool?.finish(
                    report.isRight ? .complete : .verifyFailed,
                    report.isRight ? "every piece is right" : report.summary)
            })
    }

    private func answered(_ message: HashWorkerToSupervisor, isWanted: (PieceIndex, Bool) -> Bool) {
        guard case .rechecked(_, let verdicts) = message else { return }
        for entry in verdicts where isWanted(entry.piece, entry.outcome == .right) {
            switch entry.outcome {
            case .right: report.right(entry.piece)
            case .wrong: report.wrong(entry.piece)
            case .short: report.missing(entry.piece, because: "the files end before it")
            case .unreadable:
                report.missing(
                    entry.piece, because: "\(SystemCallError("pread", CInt(truncatingIfNeeded: entry.errno)))")
            }
        }
    }
}
