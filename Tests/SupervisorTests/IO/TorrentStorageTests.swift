import BitTorrent
import Foundation
import Glibc
import PoolProtocol
import PoolRuntime
import TestSupport
import Testing

@testable import Supervisor

/// What a start finds on disk, believes, and keeps others from.
struct TorrentStorageTests {
    /// A user's directories, in which one run follows another.
    final class Home {
        let root: String
        let builder: TorrentBuilder
        let metainfo: Metainfo
        /// What the last start told the user.
        private(set) var told = ""

        init(_ builder: TorrentBuilder = .multiple(byteCounts: [40_000, 0, 30_000, 20_000])) throws {
            self.builder = builder
            metainfo = try builder.metainfo()
            var template = Array("\(NSTemporaryDirectory())storage-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        deinit { try? FileManager.default.removeItem(atPath: root) }

        func path(_ name: String) -> String { "\(root)/\(name)" }

        func start(_ arguments: String..., torrent: Metainfo? = nil) throws -> TorrentStorage {
            let line = ParsedCommandLine(environment: ["XDG_STATE_HOME": path("state")])
            let directory = arguments.contains("--dir") ? [] : ["--dir", path("out")]
            guard case .download(let options) = try line.parse(["a"] + directory + arguments) else {
                throw UserError(.internalError, "", "no download")
            }
            let rig = try OutputTests.Rig()
            var outcome: Result<TorrentStorage, UserError>?
            told =
                rig.run { output in
                    do throws(UserError) {
                        outcome = .success(try TorrentStorage(torrent ?? self.metainfo, options, output: output))
                    } catch { outcome = .failure(error) }
                    _ = output.finish(.complete, reason: "", summary: nil)
                }.stderr
            return try #require(outcome).get()
        }

        /// Puts the payload where it belongs.
        func fill(_ wanted: (Int) -> Bool = { _ in true }) throws {
            for (index, file) in metainfo.files.enumerated() where wanted(index) && file.role == .payload {
                let url = URL(fileURLWithPath: path("out/\(file.path.relative)"))
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(builder.payload[Int(file.offset)..<Int(file.end)]).write(to: url)
            }
        }

        func fact(_ index: Int) throws -> FileFact {
            var information = stat()
            try #require(stat(path("out/\(metainfo.files[index].path.relative)"), &information) == 0)
            let time = information.st_mtim
            return FileFact(
                file: UInt32(index), byteCount: UInt64(information.st_size),
                modified: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec), inode: UInt64(information.st_ino))
        }

        /// Writes what a writer records in the course of a run.
        func record(_ records: JournalRecord..., in storage: TorrentStorage) {
            let bytes = JournalWriter.encode(records)
            #expect(write(storage.journal.rawValue, bytes, bytes.count) == bytes.count)
        }

        /// A run that has fetched some pieces and ended in order.
        func leave(_ pieces: [PieceIndex], isClean: Bool = true) throws {
            let storage = try start()
            try fill()
            let facts = try metainfo.files.indices.map { try fact($0) }
            record(
                .filesKnown(facts.map { FileIdentity(file: $0.file, inode: $0.inode) }), .piecesSynced(pieces),
                in: storage)
            if isClean { record(.cleanStop(facts), in: storage) }
        }

        var pieces: [PieceIndex] { (0..<metainfo.geometry.pieceCount).map { PieceIndex($0) } }
    }

    // MARK: What is believed

    @Test func firstStartMakesTheDirectoriesAndClaimsNothing() throws {
        let home = try Home()
        let storage = try home.start()
        #expect(storage.trusted.isEmpty && storage.toCheck.isEmpty && storage.partials.isEmpty)
        #expect(storage.directoryPath.text == home.path("out"))
        #expect(FileManager.default.fileExists(atPath: home.path("out")))
        let kept = try FileManager.default.contentsOfDirectory(atPath: home.path("state/swarmkeeper")).sorted()
        #expect(kept.count == 3)
        #expect([".journal", ".lock", ".writer-lock"].allSatisfy { ending in kept.contains { $0.hasSuffix(ending) } })
        #expect(kept.allSatisfy { $0.hasPrefix(home.metainfo.infoHash.description) })
        #expect(home.told.isEmpty)
    }

    @Test func dataOfUnknownOriginIsChecked() throws {
        let home = try Home()
        try home.fill { $0 != 3 }
        let storage = try home.start()
        // Six pieces of 16 KiB; the last two have bytes in the file that is not there.
        #expect(storage.trusted.isEmpty)
        #expect(storage.toCheck == Array(home.pieces.prefix(4)))
        #expect(home.told.isEmpty)
    }

    @Test(arguments: [true, false]) func whatTheLastRunSyncedIsTrusted(isClean: Bool) throws {
        let home = try Home()
        try home.leave([PieceIndex(0), PieceIndex(4)], isClean: isClean)
        let storage = try home.start()
        #expect(storage.trusted == [PieceIndex(0), PieceIndex(4)])
        // Who died may have written more than is in the journal.
        #expect(storage.toCheck == (isClean ? [] : [1, 2, 3, 5].map { PieceIndex($0) }))
        #expect(home.told.isEmpty)
    }

    /// The start's own compaction must not make an old word look fresh, nor lose it.
    @Test func startsInARowBelieveTheSame() throws {
        let home = try Home()
        try home.leave(home.pieces)
        for _ in 0..<3 { #expect(try home.start().trusted == home.pieces) }
    }

    @Test func aFileThatWasChangedSinceIsNamedAndChecked() throws {
        let home = try Home()
        try home.leave(home.pieces)
        let path = home.path("out/\(home.metainfo.files[3].path.relative)")
        try #require(truncate(path, 19_000) == 0 && truncate(path, 20_000) == 0)
        let storage = try home.start()
        #expect(home.told.contains("sample/file3: changed since the last run; it is checked"))
        #expect(storage.trusted == Array(home.pieces.prefix(4)))
        #expect(storage.toCheck == Array(home.pieces.suffix(2)))
    }

    @Test func aDamagedJournalIsNamedAndReplaced() throws {
        let home = try Home()
        try home.leave(home.pieces)
        let folder = home.path("state/swarmkeeper")
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".journal") })
        try Data("nonsense".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        let storage = try home.start()
        #expect(home.told.contains("\(name)") && home.told.contains("the files are checked instead"))
        #expect(storage.trusted.isEmpty && storage.toCheck == home.pieces)
    }

    @Test func aCheckOfEverythingTrustsNothing() throws {
        let home = try Home()
        try home.leave(home.pieces)
        let storage = try home.start("--verify")
        #expect(storage.trusted.isEmpty && storage.toCheck == home.pieces)
    }

    @Test func unverifiedBlocksAreReadBackAndNotChecked() throws {
        let home = try Home(.multiple(byteCounts: [200_000], pieceByteCount: 65536))
        var blocks = BlockSet(blockCount: 4)
        blocks.insert(2..<3)
        do {
            let storage = try home.start()
            try home.fill()
            home.record(.partial(PieceIndex(1), blocks), .cleanStop([try home.fact(0)]), in: storage)
        }
        let storage = try home.start()
        #expect(storage.partials == [PieceIndex(1): blocks.bits])
        #expect(!storage.toCheck.contains(PieceIndex(1)))
    }

    // MARK: Whom it keeps out

    @Test func anotherRunOfTheSameTorrentIsKeptOutUntilThisOneEnds() throws {
        let home = try Home()
        var first: TorrentStorage? = try home.start()
        #expect(first != nil)
        let refusal = #expect(throws: UserError.self) { try home.start() }
        #expect(refusal?.code == .inUse)
        #expect(refusal?.subject == "sample in \(home.path("out"))")
        symlink(home.path("out"), home.path("link"))
        #expect(throws: UserError.self, "by whatever name") { try home.start("--dir", home.path("link")) }
        _ = try home.start("--dir", home.path("elsewhere"))
        _ = try home.start(torrent: try TorrentBuilder.single(byteCount: 1).metainfo())
        first = nil
        _ = try home.start()
    }

    @Test func aSelectionWithoutAByteIsRefused() throws {
        let home = try Home()
        let refusal = #expect(throws: UserError.self) { try home.start("--select-file", "2") }
        #expect(refusal?.code == .badOption)
        #expect(refusal?.description == "--select-file: selects no byte of sample")
        #expect(!FileManager.default.fileExists(atPath: home.path("out")), "nothing was made")
    }

    @Test func whatIsInTheWayIsNamed() throws {
        let home = try Home()
        try home.fill()
        let path = home.path("out/\(home.metainfo.files[2].path.relative)")
        unlink(path)
        symlink("/etc/passwd", path)
        let refusal = #expect(throws: UserError.self) { try home.start() }
        #expect(refusal?.code == .fileError && refusal?.subject == path)
        try Data().write(to: URL(fileURLWithPath: home.path("file")))
        let noDirectory = #expect(throws: UserError.self) { try home.start("--dir", home.path("file")) }
        #expect(noDirectory?.code == .fileError && noDirectory?.subject == home.path("file"))
    }

    // MARK: Reading

    @Test func filesAndTheHiddenOneAreOpenedForReading() throws {
        let home = try Home()
        let storage = try home.start("--select-file", "3")
        try home.fill { $0 == 2 }
        let parts = home.path("out/\(PartsFile.name(of: home.metainfo.infoHash))")
        try Data([9]).write(to: URL(fileURLWithPath: parts))
        for (file, expected) in [(PieceFiles.File.payload(2), home.builder.payload[40_000]), (.parts, 9)] {
            let opened = try storage.openForReading(file)
            var byte: UInt8 = 0
            #expect(pread(opened.rawValue, &byte, 1, 0) == 1 && byte == expected)
        }
        #expect(throws: SystemCallError.self) { try storage.openForReading(.payload(0)) }
        storage.removeUnusedParts()
        #expect(FileManager.default.fileExists(atPath: parts), "it has bytes of files that are not selected")
    }

    @Test func theHiddenFileGoesWhenEverythingIsSelected() throws {
        let home = try Home()
        let storage = try home.start()
        let parts = home.path("out/\(PartsFile.name(of: home.metainfo.infoHash))")
        try Data([9]).write(to: URL(fileURLWithPath: parts))
        storage.removeUnusedParts()
        #expect(!FileManager.default.fileExists(atPath: parts))
    }
}
