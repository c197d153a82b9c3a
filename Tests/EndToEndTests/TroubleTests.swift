import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Disks and networks that do not do what they should.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Trouble {
        let workspace: Workspace
        init() throws { workspace = try Workspace() }

        // MARK: Nobody sends anything

        @Test func aStalledDownloadEndsWithFiveAndCanBeResumed() throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "128K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let first = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--stop-timeout", "2"])
            try first.wait(forPieces: 20)
            seeder.process.send(SIGSTOP)
            let stoppedAt = secondsNow()
            try first.expectEnd(5, within: 8)
            #expect(first.process.endedAt! - stoppedAt >= 1.9)
            seeder.process.send(SIGCONT)
            let second = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try second.expectEnd(0)
            torrent.expectComplete(in: second.directory)
            #expect(Set(second.pieces("granted")).isDisjoint(with: first.pieces("written")))
        }

        /// It is tried again after ten seconds and more.
        @Test(.enabled(if: Able.longSuite, Why.long)) func aSeederThatComesBackIsUsedAgain() throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "128K")
            let first = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", first.address])
            try run.wait(forPieces: 20)
            try first.process.stop()
            try run.wait(for: "the loss") { $0.isA("peer", "closed") }
            _ = try Seeder.lean(torrent, in: workspace, listen: first.address)
            try run.expectEnd(0, within: 60)
            torrent.expectComplete(in: run.directory)
        }

        @Test(.enabled(if: Able.longSuite, Why.long))
        func aTorrentThatNobodyHasEndsWithSix() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let tracker = try TrackerProcess.recording(in: workspace, ["--mode", "failure"])
            let dead = "127.0.0.1:\(try Ports.free())"
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--tracker", tracker.url, "--peer", dead, "--stop-timeout", "600"])
            try run.expectEnd(6, within: 400)
            #expect(run.process.endedAt! - run.process.startedAt >= 60)
        }

        @Test func anIdleRunTakesNoProcessorTime() throws {
            let torrent = try workspace.makeTorrent(size: "8M", pieceLength: "128K")
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try run.wait(forPieces: 20)
            seeder.process.send(SIGSTOP)
            let stoppedAt = secondsNow()
            try awaiting("a second of rest") { secondsNow() - stoppedAt > 1 }
            let processes = ProcessTable.ofRun(in: workspace)
            #expect(processes.count == 5)
            let before = processes.map { ProcessTable.cpuSeconds($0) ?? 0 }
            let since = secondsNow()
            try awaiting("two seconds more") { secondsNow() - since > 2 }
            for (process, used) in zip(processes, before) {
                let now = try #require(ProcessTable.cpuSeconds(process))
                #expect(
                    (now - used) / (secondsNow() - since) < 0.05, "\(ProcessTable.field("Name", of: process) ?? "")")
            }
            run.process.send(SIGINT)
            seeder.process.send(SIGCONT)
            try run.expectEnd(7)
        }

        @Test(.enabled(if: Able.networkNamespaces, Why.namespaces))
        func aNetworkThatComesBackIsUsedAgain() throws {
            let network = try Namespaces(in: workspace)
            let torrent = try workspace.makeTorrent(size: "16M")
            let seeder = try Seeder(
                network.inside(.seeders) + [
                    Programs.leanSeeder.get(), "--file", "\(torrent.seedDirectory)/\(torrent.name)", "--info-hash",
                    torrent.infoHash, "--piece-length", String(torrent.pieceByteCount), "--listen",
                    "\(network.seederAddress):6881", "--rate", "8388608",
                ], in: workspace, name: "lean")
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address], before: network.inside(.client))
            try run.wait(forPieces: 20)
            try network.setLink(up: false)
            let downAt = secondsNow()
            try awaiting("two seconds without a network") { secondsNow() - downAt > 2 }
            try network.setLink(up: true)
            try run.expectEnd(0, within: 60)
            torrent.expectComplete(in: run.directory)
        }

        // MARK: The disk

        /// A file system of so many MiB for the download, in the run's own mount namespace.
        private func onSmallDisk(_ mebibytes: Int) throws -> [String] {
            try FileManager.default.createDirectory(atPath: workspace.path("out"), withIntermediateDirectories: true)
            let mount = "mount -t tmpfs -o size=\(mebibytes)M tmpfs '\(workspace.path("out"))' && exec \"$@\""
            return ["unshare", "--mount", "sh", "-c", mount, "sh"]
        }

        /// Does something in the run's mount namespace.
        private func inMounts(of run: SupervisorRun, _ command: String...) throws {
            try workspace.run(["nsenter", "--mount", "--target", String(run.process.processID)] + command, "nsenter")
        }

        @Test(.enabled(if: Able.mountNamespaces, Why.namespaces))
        func aFullDiskPausesTheDownloadUntilThereIsRoomAgain() throws {
            let torrent = try workspace.makeTorrent(size: "16M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--interval", "0.1"],
                before: try onSmallDisk(8))
            try run.wait(for: "the pause") { $0.text("phase") == "paused" && $0.text("trouble") != nil }
            try inMounts(of: run, "mount", "-o", "remount,size=64M", workspace.path("out"))
            try run.wait(for: "completion") { $0.kind == "complete" }
            try run.expectEnd(0)
            // The disk went away with the run's namespace; every piece was verified and synced on it.
            #expect(Set(run.pieces("synced")).count == torrent.pieceCount)
            #expect(run.downloadedByteCount <= torrent.byteCount + (1 << 20))
        }

        @Test(.enabled(if: Able.mountNamespaces, Why.namespaces))
        func aDiskThatStaysFullEndsTheRunWithNine() throws {
            let torrent = try workspace.makeTorrent(size: "16M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address, "--stop-timeout", "2"],
                before: try onSmallDisk(8))
            try run.expectEnd(9, within: 15)
            #expect(run.process.errorText.contains("No space left on device"))
            #expect(!run.pieces("synced").isEmpty)
        }

        @Test(.enabled(if: Able.mountNamespaces, Why.namespaces))
        func roomThatCannotBeReservedIsSaidAtTheStart() throws {
            let torrent = try workspace.makeTorrent(size: "16M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent],
                [
                    "--no-tracker", "--peer", seeder.address, "--stop-timeout", "1", "--file-allocation", "falloc",
                ], before: try onSmallDisk(8))
            try run.expectEnd(9, within: 15)
            #expect(run.pieces("written").isEmpty)
        }

        /// As a quota says it, which no look at the free room foresees.
        @Test(.enabled(if: Able.strace && Able.leanSeeder, Why.strace))
        func roomThatCannotBeReservedWhenAFileIsBegunStopsNothing() throws {
            let torrent = try workspace.makeTorrent(size: "16M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let injection = try Injection("writer", .allocate, .error("EDQUOT"), when: "1+", in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address] + injection.options)
            try run.expectEnd(0, within: 30)
            torrent.expectComplete(in: run.directory)
            // Elsewhere than on ext4 nothing is reserved.
            #expect(injection.injectedCount == (try liesOnExt4(run.directory) ? 1 : 0))
        }

        @Test(.enabled(if: Able.setpriv, "needs root and setpriv"))
        func aDirectoryThatMayNotBeWrittenIsNamed() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            for folder in ["out", "state", "open"] {
                try FileManager.default.createDirectory(
                    atPath: workspace.path(folder), withIntermediateDirectories: true)
            }
            chmod(workspace.path("out"), 0o555)
            for folder in ["state", "runtime", "home", "open"] { chown(workspace.path(folder), 65534, 65534) }
            chmod(workspace.root, 0o755)
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--events", workspace.path("open/events")],
                before: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
            #expect(try run.process.wait(within: 5) == .exited(17))
            #expect(run.process.errorText.contains(workspace.path("out")))
            #expect(run.process.errorText.contains("Permission denied"))
        }

        @Test(.enabled(if: Able.setpriv, "needs root and setpriv"))
        func anyUserCanDownload() throws {
            let torrent = try workspace.makeTorrent(size: "4M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            for folder in ["out", "state", "open"] {
                try FileManager.default.createDirectory(
                    atPath: workspace.path(folder), withIntermediateDirectories: true)
            }
            for folder in ["out", "state", "runtime", "home", "open"] { chown(workspace.path(folder), 65534, 65534) }
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--peer", seeder.address, "--events", workspace.path("open/events")],
                before: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
            #expect(try run.process.wait() == .exited(0), "\(run.process.errorText)")
            run.expectNothingLeft()
            torrent.expectComplete(in: run.directory)
        }

        // MARK: The directory is not what it should be

        private func expectFileError(
            _ torrent: Torrent, naming path: String, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker"])
            try run.expectEnd(17, within: 10, sourceLocation: sourceLocation)
            #expect(run.process.errorText.contains(path), "\(run.process.errorText)", sourceLocation: sourceLocation)
        }

        @Test func aFileInPlaceOfTheDirectoryIsNamed() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            try workspace.write(Data("mine".utf8), to: "out")
            try expectFileError(torrent, naming: workspace.path("out"))
            #expect(try String(contentsOfFile: workspace.path("out"), encoding: .utf8) == "mine")
        }

        @Test func aSymlinkAtAFilesPathIsNotFollowed() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            try workspace.write(Data("precious".utf8), to: "elsewhere")
            mkdir(workspace.path("out"), 0o755)
            symlink(workspace.path("elsewhere"), workspace.path("out/one.bin"))
            try expectFileError(torrent, naming: "one.bin")
            #expect(try String(contentsOfFile: workspace.path("elsewhere"), encoding: .utf8) == "precious")
        }

        @Test func aSymlinkInPlaceOfAFolderIsNotFollowed() throws {
            let torrent = try workspace.makeTorrent("payload", .many, size: "1M")
            mkdir(workspace.path("elsewhere"), 0o755)
            mkdir(workspace.path("out"), 0o755)
            mkdir(workspace.path("out/payload"), 0o755)
            symlink(workspace.path("elsewhere"), workspace.path("out/payload/b"))
            try expectFileError(torrent, naming: "payload/b")
            #expect(Torrent.files(below: workspace.path("elsewhere")).isEmpty)
        }

        @Test func aPipeAtAFilesPathIsNamedAndHoldsNothingUp() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            mkdir(workspace.path("out"), 0o755)
            mkfifo(workspace.path("out/one.bin"), 0o644)
            try expectFileError(torrent, naming: "one.bin")
        }

        @Test func aFolderAtAFilesPathIsNamed() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            try FileManager.default.createDirectory(
                atPath: workspace.path("out/one.bin"), withIntermediateDirectories: true)
            try expectFileError(torrent, naming: "one.bin")
        }

        @Test func theDirectoryItselfMayBeASymlinkOrMissing() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            mkdir(workspace.path("real"), 0o755)
            symlink(workspace.path("real"), workspace.path("link"))
            for (directory, place) in [("link", "real"), ("new/deep/er", "new/deep/er")] {
                let run = try SupervisorRun(
                    workspace, [torrent], ["--no-tracker", "--peer", seeder.address],
                    directory: workspace.path(directory))
                try run.expectEnd(0)
                torrent.expectComplete(in: workspace.path(place))
            }
        }

        @Test func aFileThatDisappearsInMidRunIsNamedAtTheEndOrMadeAgain() throws {
            let torrent = try workspace.makeTorrent("payload", .many, size: "8M")
            let seeder = try Seeder.libtorrent(torrent, in: workspace)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try run.wait(forPieces: 5)
            unlink(workspace.path("out/payload/z.bin"))
            try run.process.wait(within: 30)
            run.expectNothingLeft()
            // Whatever this run made of it, the next one finds and mends it.
            let next = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try next.expectEnd(0)
            torrent.expectComplete(in: next.directory)
        }
    }
}
