import BitTorrent
import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Data that is there before a run: looked at where nobody vouches for it, and never fetched when it is right.
    @Suite(.enabled(if: Able.libtorrent, Why.libtorrent)) struct Recheck {
        let workspace: Workspace
        let torrent: Torrent
        init() throws {
            workspace = try Workspace()
            torrent = try workspace.makeTorrent("payload", .zero, size: "16M")
        }

        /// The payload, put where the download goes.
        private func copyPayload() throws {
            try FileManager.default.createDirectory(
                atPath: workspace.path("out"), withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: "\(torrent.seedDirectory)/\(torrent.name)", toPath: workspace.path("out/\(torrent.name)"))
        }

        private func download(_ arguments: [String] = []) throws -> SupervisorRun {
            let seeder = try Seeder.libtorrent(torrent, in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--interval", "0.1"] + arguments)
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            return run
        }

        /// Changes one byte in the middle of a file.
        /// - Parameter secretly: with the time of its last change as before.
        /// - Returns: the piece of the byte.
        private func flipByte(in path: String, secretly: Bool = false) throws -> Int {
            let file = try #require(torrent.metainfo.files.first { $0.path.relative.hasSuffix(path) })
            let full = workspace.path("out/\(torrent.name)/\(path)")
            var before = stat()
            stat(full, &before)
            let handle = try #require(FileHandle(forUpdatingAtPath: full))
            let offset = file.length / 2
            try handle.seek(toOffset: offset)
            let byte = try #require(try handle.read(upToCount: 1)?.first)
            try handle.seek(toOffset: offset)
            try handle.write(contentsOf: Data([~byte]))
            try handle.close()
            if secretly {
                let times = [before.st_atim, before.st_mtim]
                utimensat(AT_FDCWD, full, times, 0)
            }
            return Int((file.offset + offset) / UInt64(torrent.pieceByteCount))
        }

        private func checkedByteCount(_ run: SupervisorRun) -> Int {
            run.events.compactMap { $0.count("check_length") }.max() ?? 0
        }

        @Test func dataWithoutAJournalIsCheckedAndNotFetched() throws {
            try copyPayload()
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--interval", "0.1"])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            #expect(run.pieces("granted").isEmpty)
            #expect(run.downloadedByteCount == 0)
            #expect(checkedByteCount(run) == torrent.byteCount)
        }

        @Test func dataWithoutAJournalIsFetchedOnlyWhereItIsWrong() throws {
            try copyPayload()
            let wrong = try flipByte(in: "z.bin")
            let run = try download()
            #expect(run.pieces("written") == [wrong])
        }

        @Test func onlyAFileThatWasChangedBetweenRunsIsChecked() throws {
            _ = try download()
            let wrong = try flipByte(in: "c d ü.bin")
            let run = try download()
            #expect(run.pieces("written") == [wrong])
            let file = try #require(torrent.metainfo.files.first { $0.path.relative.hasSuffix("c d ü.bin") })
            #expect(checkedByteCount(run) >= Int(file.length))
            #expect(checkedByteCount(run) <= Int(file.length) + 2 * torrent.pieceByteCount)
        }

        @Test func aChangeThatNobodyCanSeeIsFoundByACheckOfEverything() throws {
            _ = try download()
            let wrong = try flipByte(in: "b/two.bin", secretly: true)
            let trusting = try SupervisorRun(workspace, [torrent], ["--no-tracker"])
            try trusting.expectEnd(0)
            #expect(trusting.pieces("granted").isEmpty)
            let checking = try download(["--verify"])
            #expect(checking.pieces("written") == [wrong])
            #expect(checkedByteCount(checking) == torrent.byteCount)
        }

        @Test func filesThatWereTruncatedOrRemovedAreFetchedAgain() throws {
            _ = try download()
            truncate(workspace.path("out/payload/a.bin"), 100_000)
            unlink(workspace.path("out/payload/b/deep/er/est.bin"))
            unlink(workspace.path("out/payload/0-first.bin"))
            let run = try download()
            #expect(run.downloadedByteCount < torrent.byteCount / 3)
        }

        @Test func filesThatAreTooLongAreMadeRight() throws {
            try copyPayload()
            let handle = try #require(FileHandle(forWritingAtPath: workspace.path("out/payload/a.bin")))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data([1, 2, 3]))
            try handle.close()
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker"])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
        }

        @Test func aJournalOfNonsenseIsNotBelieved() throws {
            _ = try download()
            let journals = Torrent.files(below: workspace.path("state")).filter { $0.hasSuffix(".journal") }
            try #require(journals.count == 1)
            try workspace.write(Workspace.randomBytes(5000), to: "state/\(journals[0])")
            let wrong = try flipByte(in: "a.bin")
            let run = try download()
            #expect(run.pieces("written") == [wrong])
        }

        // MARK: supervisor verify

        private func verify(_ arguments: [String] = []) throws -> Running {
            try workspace.supervisor(["verify", torrent.file, "--dir", workspace.path("out")] + arguments)
        }

        @Test func verifySaysThatAllIsRight() throws {
            try copyPayload()
            let verifying = try verify()
            #expect(verifying.ending == .exited(0))
            #expect(verifying.outputText.contains("\(torrent.pieceCount) pieces, all right"))
            torrent.expectComplete(in: workspace.path("out"))
        }

        @Test func verifyNamesTheFileOfAFlippedByte() throws {
            try copyPayload()
            let wrong = try flipByte(in: "b/two.bin")
            let verifying = try verify()
            #expect(verifying.ending == .exited(32))
            #expect(verifying.outputText.contains("b/two.bin"))
            let json = try verify(["--json"])
            #expect(json.ending == .exited(32))
            let report = try #require(RunEvent(json.outputText.utf8))
            #expect(report.members["wrong"] as? [Int] == [wrong])
            #expect(report.count("pieces_right") == torrent.pieceCount - 1)
            #expect(report.members["complete"] as? Bool == false)
        }

        @Test func verifyFindsWhatIsTruncatedOrMissingAndMakesNothing() throws {
            try copyPayload()
            truncate(workspace.path("out/payload/a.bin"), 100_000)
            unlink(workspace.path("out/payload/z.bin"))
            let before = Torrent.files(below: workspace.path("out"))
            let verifying = try verify(["--json"])
            #expect(verifying.ending == .exited(32))
            let report = try #require(RunEvent(verifying.outputText.utf8))
            let bad = report.objects("bad_files").compactMap { $0["path"] as? String }
            #expect(bad.contains { $0.hasSuffix("a.bin") } && bad.contains { $0.hasSuffix("z.bin") })
            #expect(Torrent.files(below: workspace.path("out")) == before)
        }

        /// Many more pieces than all hash-workers have in hand.
        @Test func verifyOfNothingAtAllFindsEveryPieceMissing() throws {
            try FileManager.default.createDirectory(
                atPath: workspace.path("out"), withIntermediateDirectories: true)
            let torrent = try workspace.makeTorrent("large.bin", size: "16M", pieceLength: "16K")
            let verifying = try workspace.supervisor(
                ["verify", torrent.file, "--dir", workspace.path("out"), "--json"])
            #expect(verifying.ending == .exited(32))
            let report = try #require(RunEvent(verifying.outputText.utf8))
            #expect((report.members["missing"] as? [Int])?.count == 1024)
            #expect(Torrent.files(below: workspace.path("out")).isEmpty)
        }

        /// More than pass over a lifeline together, and more than a hash-worker keeps open.
        @Test func aPieceOfAThousandFilesIsRead() throws {
            for number in 0..<1000 { try workspace.write(Data("file \(number)".utf8), to: "seed/tiny/\(number)") }
            let torrent = try workspace.makeTorrent(of: workspace.path("seed/tiny"), pieceLength: "4K")
            #expect(torrent.pieceCount < 5)
            let verifying = try workspace.supervisor(
                ["verify", torrent.file, "--dir", torrent.seedDirectory])
            #expect(verifying.ending == .exited(0), "\(verifying.outputText.suffix(200))")
        }
    }
}
