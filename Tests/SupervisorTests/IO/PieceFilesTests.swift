import BitTorrent
import Foundation
import Glibc
import PoolProtocol
import PoolRuntime
import TestSupport
import Testing

@testable import Supervisor

/// Pieces on disk, brought within reach of a hash-worker that reads them for real.
struct PieceFilesTests {
    /// A torrent whose files are on disk.
    final class Disk {
        let metainfo: Metainfo
        let root: String
        /// Files that cannot be opened.
        var missing: Set<Int> = []
        private(set) var openCount = 0

        init(_ builder: TorrentBuilder) throws {
            metainfo = try builder.metainfo()
            var template = Array("\(NSTemporaryDirectory())piece-files-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let payload = builder.payload
            for (index, file) in metainfo.files.enumerated() where file.role == .payload {
                let bytes = payload[Int(file.offset)..<Int(file.end)]
                try Data(bytes).write(to: URL(fileURLWithPath: "\(root)/\(index)"))
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: root) }

        func open(_ file: PieceFiles.File) throws(SystemCallError) -> OwnedDescriptor {
            guard case .payload(let index) = file, !missing.contains(index) else {
                throw SystemCallError("open", ENOENT)
            }
            openCount += 1
            let descriptor = Glibc.open("\(root)/\(index)", O_RDONLY)
            guard descriptor >= 0 else { throw SystemCallError("open", errno) }
            return OwnedDescriptor(descriptor)
        }

        var files: PieceFiles {
            PieceFiles(
                SelectedFiles(layout: metainfo.layout, selection: .all(fileCount: metainfo.files.count))
            ) { [unowned self] file throws(SystemCallError) in try open(file) }
        }

        var pieces: [PieceIndex] { (0..<metainfo.geometry.pieceCount).map { PieceIndex($0) } }

        /// Asks about one piece.
        func ask(_ piece: PieceIndex, _ files: PieceFiles, _ worker: HashWorkerStandIn) throws(PieceFiles.Failure) {
            let digest = metainfo.hash(of: piece).digest
            let process = worker.process
            try files.reach(piece, by: process) { spans, isLast in
                process.outbox.append(
                    SupervisorToHashWorker.recheck(
                        torrent: 0, piece: piece, digest: digest, spans, isLast: isLast))
            }
        }
    }

    /// More files than pass over a lifeline at a time, and than a hash-worker keeps.
    @Test(arguments: [1, 199, 200, 201, 450, 1000]) func pieceIsReadWholeHoweverManyFilesItHas(count: Int) throws {
        let disk = try Disk(.multiple(byteCounts: [Int](repeating: 300, count: 2 * count), pieceByteCount: 300 * count))
        let worker = try HashWorkerStandIn()
        let files = disk.files
        for piece in disk.pieces { try disk.ask(piece, files, worker) }
        try worker.run()
        #expect(worker.outcomes == [PieceIndex(0): .right, PieceIndex(1): .right])
        #expect(disk.openCount == 2 * count)
    }

    @Test func fileIsPassedOnceWhileItIsHeld() throws {
        let disk = try Disk(.multiple(byteCounts: [100_000, 100_000], pieceByteCount: 10_000))
        let worker = try HashWorkerStandIn()
        let files = disk.files
        for piece in disk.pieces {
            try disk.ask(piece, files, worker)
            try worker.run()
        }
        #expect(worker.outcomes.count == 20 && worker.outcomes.values.allSatisfy { $0 == .right })
        #expect(worker.passedCount == 2 && disk.openCount == 2)
    }

    @Test func olderFilesAreClosedFirst() throws {
        let disk = try Disk(.multiple(byteCounts: [Int](repeating: 30, count: 1000), pieceByteCount: 300))
        let worker = try HashWorkerStandIn()
        let files = disk.files
        for piece in disk.pieces {
            try disk.ask(piece, files, worker)
            try worker.run()
        }
        #expect(worker.outcomes.count == 100 && worker.outcomes.values.allSatisfy { $0 == .right })
        #expect(worker.mostHeld <= PieceFiles.mostPerWorker + 10)
        // The last ones are held still, the first are not.
        try disk.ask(PieceIndex(99), files, worker)
        #expect(disk.openCount == 1000)
        try disk.ask(PieceIndex(0), files, worker)
        #expect(disk.openCount == 1010)
    }

    @Test func padFilesAreZerosThatNobodyOpens() throws {
        let files: [TorrentBuilder.File] = [.init("a", bytes: [1, 2, 3]), .padding(97), .init("b", bytes: [4])]
        let disk = try Disk(TorrentBuilder(pieceByteCount: 16384, .multiple(files)))
        let worker = try HashWorkerStandIn()
        try disk.ask(PieceIndex(0), disk.files, worker)
        try worker.run()
        #expect(worker.outcomes == [PieceIndex(0): .right])
        #expect(disk.openCount == 2)
    }

    /// Even if its other parts were passed already.
    @Test func ofAPieceThatCannotBeOpenedNothingIsAsked() throws {
        let disk = try Disk(.multiple(byteCounts: [Int](repeating: 7, count: 600), pieceByteCount: 7 * 300))
        disk.missing = [250]
        let worker = try HashWorkerStandIn()
        let files = disk.files
        #expect {
            try disk.ask(PieceIndex(0), files, worker)
        } throws: {
            if case .unreadable(let error) = $0 as? PieceFiles.Failure {
                error == SystemCallError("open", ENOENT)
            } else {
                false
            }
        }
        try disk.ask(PieceIndex(1), files, worker)
        try worker.run()
        #expect(worker.outcomes == [PieceIndex(1): .right])
    }

    /// More than a process may hold open.
    @Test func pieceOfThousandsOfFilesIsPassedAsItsBytes() throws {
        let byteCounts = (0...PieceFiles.mostPerPiece).map { $0 % 3 + 1 }
        let disk = try Disk(.multiple(byteCounts: byteCounts, pieceByteCount: 16384))
        let worker = try HashWorkerStandIn()
        try disk.ask(PieceIndex(0), disk.files, worker)
        try worker.run()
        #expect(worker.outcomes == [PieceIndex(0): .right])
        #expect(worker.passedCount == 1 && disk.openCount == byteCounts.count)
        disk.missing = [byteCounts.count - 1]
        #expect(throws: PieceFiles.Failure.self) { try disk.ask(PieceIndex(0), disk.files, worker) }
        disk.missing = []
        truncate("\(disk.root)/7", 0)
        #expect {
            try disk.ask(PieceIndex(0), disk.files, worker)
        } throws: {
            if case .unreadable(let error) = $0 as? PieceFiles.Failure {
                error == SystemCallError("pread", ENODATA)
            } else {
                false
            }
        }
        try worker.run()
        #expect(worker.passedCount == 1)
    }

    @Test func longPieceOfThousandsOfFilesIsUnreadable() throws {
        let byteCounts = [Int](repeating: 4100, count: PieceFiles.mostPerPiece + 1)
        let disk = try Disk(.multiple(byteCounts: byteCounts, pieceByteCount: 32 << 20))
        let worker = try HashWorkerStandIn()
        #expect(throws: PieceFiles.Failure.self) { try disk.ask(PieceIndex(0), disk.files, worker) }
        #expect(disk.openCount == 0)
    }

    @Test func deadWorkerTakesNothing() throws {
        let disk = try Disk(.multiple(byteCounts: [10], pieceByteCount: 16384))
        let worker = try HashWorkerStandIn()
        worker.kill()
        let files = disk.files
        #expect {
            try disk.ask(PieceIndex(0), files, worker)
        } throws: {
            if case .refused = $0 as? PieceFiles.Failure { true } else { false }
        }
        // Its successor gets what it lacks.
        files.workerLost(worker.process.incarnation)
        let successor = try HashWorkerStandIn(generation: 2)
        try disk.ask(PieceIndex(0), files, successor)
        try successor.run()
        #expect(successor.outcomes == [PieceIndex(0): .right])
    }

    /// Its lifeline and its other descriptors would stay open for as long as the run.
    @Test func deadWorkerIsForgottenWithAllThatWaitedForIt() throws {
        let disk = try Disk(.multiple(byteCounts: [10], pieceByteCount: 16384))
        weak var process: WorkerProcess?
        do {
            let worker = try HashWorkerStandIn()
            process = worker.process
            try disk.ask(PieceIndex(0), disk.files, worker)
            #expect(worker.process.awaitsDescriptors)
            worker.kill()
        }
        #expect(process == nil)
    }

    @Test func everythingIsClosedAtTheEnd() throws {
        let disk = try Disk(.multiple(byteCounts: [300, 300, 300], pieceByteCount: 300))
        let worker = try HashWorkerStandIn()
        let files = disk.files
        for piece in disk.pieces { try disk.ask(piece, files, worker) }
        try worker.run()
        var closed: [UInt32] = []
        files.closeAll { place, order in
            #expect(place == worker.process.incarnation.place)
            if case .closeDescriptors(let names) = order { closed += names }
        }
        #expect(closed.sorted() == [1, 2, 3])
        files.closeAll { _, _ in Issue.record("nothing is open any more") }
    }

    // MARK: The check of a torrent

    /// Two workers share a torrent of which some files are gone.
    @Test func everyPieceOfATorrentGetsItsVerdict() throws {
        let disk = try Disk(.multiple(byteCounts: [Int](repeating: 150, count: 500), pieceByteCount: 300))
        disk.missing = Set(0..<200).union([400])
        var recheck = Recheck(geometry: disk.metainfo.geometry, pieces: disk.pieces, fileCount: 500)
        let workers = [try HashWorkerStandIn(0), try HashWorkerStandIn(1)]
        let files = disk.files
        var unreadable: Set<PieceIndex> = []
        for _ in 0..<100 where !recheck.isFinished {
            for (ordinal, worker) in workers.enumerated() {
                let share = files.handOut(&recheck, of: disk.metainfo, torrent: 0, to: worker.process) { piece, _ in
                    unreadable.insert(piece)
                }
                guard case .complete = share else {
                    Issue.record("\(share)")
                    continue
                }
                try worker.run()
                for (piece, outcome) in worker.outcomes {
                    _ = recheck.verdict(on: piece, isRight: outcome == .right, from: ordinal)
                }
            }
        }
        #expect(recheck.isFinished)
        #expect(unreadable == Set((0..<100).map { PieceIndex($0) } + [PieceIndex(200)]))
        #expect(recheck.progress.rightPieceCount == 149 && recheck.progress.wrongPieceCount == 101)
    }

    @Test func whatADeadWorkerDoesNotTakeIsNotWrong() throws {
        let disk = try Disk(.multiple(byteCounts: [300, 300, 300], pieceByteCount: 300))
        var recheck = Recheck(geometry: disk.metainfo.geometry, pieces: disk.pieces, fileCount: 3)
        let worker = try HashWorkerStandIn()
        worker.kill()
        let share = disk.files.handOut(&recheck, of: disk.metainfo, torrent: 0, to: worker.process) { piece, _ in
            Issue.record("piece \(piece) counts as unreadable")
        }
        guard case .refused = share else {
            Issue.record("\(share)")
            return
        }
        recheck.workerLost(0)
        #expect(recheck.next(for: 1) == disk.pieces)
    }
}
