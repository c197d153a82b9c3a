import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Files that somebody else changes: rows R23, R24 and R43 of docs/faults.md.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct FilesBehindOurBack {
        let workspace: Workspace
        let torrent: Torrent
        init() throws {
            workspace = try Workspace("files")
            torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
        }

        private var path: String { workspace.path("out/\(torrent.name)") }

        private func download(rate: Int? = nil, _ arguments: [String] = []) throws -> SupervisorRun {
            let seeder = try Seeder.lean(torrent, in: workspace, rate: rate)
            return try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--interval", "0.1"] + arguments)
        }

        private func checkedByteCount(_ run: SupervisorRun) -> Int {
            run.events.compactMap { $0.count("check_length") }.max() ?? 0
        }

        enum Change: CaseIterable { case truncated, removed, replaced, emptied }

        private func make(_ change: Change) throws {
            switch change {
            case .truncated: truncate(path, off_t(torrent.byteCount / 3))
            case .removed: unlink(path)
            case .emptied: truncate(path, 0)
            case .replaced:
                try workspace.writeRandom(torrent.byteCount, to: "other")
                rename(workspace.path("other"), path)
            }
        }

        /// It is said, nothing that is not there is claimed, and the next run mends it.
        @Test(arguments: Change.allCases) func aChangeDuringARunEndsItAndIsMendedByTheNext(change: Change) throws {
            let run = try download(rate: 8 << 20)
            try run.wait(forPieces: 40)
            try make(change)
            try run.expectEnd(17, within: 15)
            #expect(run.process.errorText.contains("\(torrent.name): another program changed it"))
            #expect(run.events.allSatisfy { !$0.isA("worker", "dead") || $0.count("signal") == nil })
            let next = try download()
            try next.expectWhole(torrent, refetched: 0)
        }

        /// A directory that is moved takes its files along, as a shell's own would.
        @Test func aDirectoryThatIsMovedDuringARunIsFollowed() throws {
            let run = try download(rate: 8 << 20)
            try run.wait(forPieces: 40)
            rename(workspace.path("out"), workspace.path("elsewhere"))
            try run.expectEnd(0)
            torrent.expectComplete(in: workspace.path("elsewhere"))
        }

        @Test(arguments: [Change.truncated, .removed, .replaced, .emptied])
        func aChangeBetweenRunsIsFoundAndMended(change: Change) throws {
            let run = try download(rate: 8 << 20)
            try run.wait(forPieces: 60)
            run.process.send(SIGTERM)
            try run.expectEnd(7)
            try make(change)
            let next = try download()
            try next.expectEnd(0)
            torrent.expectComplete(in: next.directory)
            next.expectSound(torrent, refetched: 0)
            #expect(!Set(next.pieces("granted")).isDisjoint(with: run.pieces("synced")))
            #expect(next.process.errorText.contains(torrent.name))
        }

        /// The same size, the same name, another file: its inode tells.
        @Test func zerosInPlaceOfWhatTheJournalClaimsAreFetchedAgain() throws {
            try download().expectWhole(torrent, refetched: 0)
            let times = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
            try workspace.write(Data(count: torrent.byteCount), to: "zeros")
            unlink(path)
            rename(workspace.path("zeros"), path)
            try FileManager.default.setAttributes([.modificationDate: try #require(times)], ofItemAtPath: path)
            let next = try download()
            try next.expectWhole(torrent, refetched: 0)
            #expect(checkedByteCount(next) == torrent.byteCount)
            #expect(Set(next.pieces("written")).count == torrent.pieceCount)
        }

        /// The journal of another torrent under this one's name, cut at some place, or with a flipped bit.
        @Test(arguments: ["foreign", "cut", "flipped", "empty"])
        func aJournalThatIsNotTheOneIsNotBelieved(damage: String) throws {
            try download().expectWhole(torrent, refetched: 0)
            let journal = try workspace.journalPath(of: torrent)
            var bytes = try Data(contentsOf: URL(fileURLWithPath: journal))
            switch damage {
            case "foreign":
                let other = try workspace.makeTorrent("other.bin", size: "8M", pieceLength: "64K")
                let seeder = try Seeder.lean(other, in: workspace)
                try SupervisorRun(workspace, [other], ["--no-tracker", "--peer", seeder.address]).expectEnd(0)
                bytes = try Data(contentsOf: URL(fileURLWithPath: workspace.journalPath(of: other)))
                unlink(workspace.path("out/other.bin"))
            case "cut": bytes = bytes.prefix(bytes.count / 2)
            case "flipped": bytes[bytes.count / 2] ^= 0x10
            default: bytes = Data()
            }
            try bytes.write(to: URL(fileURLWithPath: journal))
            // A change that only a look at the data can find.
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            try handle.seek(toOffset: 1_000_000)
            try handle.write(contentsOf: Data([1, 2, 3, 4]))
            try handle.close()
            let next = try download()
            try next.expectWhole(torrent, refetched: 0)
            #expect(Set(next.pieces("written")) == [1_000_000 / torrent.pieceByteCount])
        }

        // MARK: The directory

        @Test(.enabled(if: Able.mountNamespaces, Why.namespaces))
        func aReadOnlyDirectoryIsNamed() throws {
            mkdir(workspace.path("out"), 0o755)
            let out = workspace.path("out")
            let mount = "mount --bind '\(out)' '\(out)' && mount -o remount,bind,ro '\(out)' && exec \"$@\""
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker"], before: ["unshare", "--mount", "sh", "-c", mount, "sh"])
            try run.expectEnd(17, within: 10)
            #expect(run.process.errorText.contains("Read-only file system"))
        }

        @Test func aDirectoryThatIsRemovedInMidRunIsNoCrash() throws {
            let run = try download(rate: 8 << 20)
            try run.wait(forPieces: 40)
            try FileManager.default.removeItem(atPath: workspace.path("out"))
            kill(try run.worker("writer"), SIGKILL)
            try run.expectEnd(17, within: 15)
            let next = try download()
            try next.expectWhole(torrent, refetched: 0)
        }
    }
}
