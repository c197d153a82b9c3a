import BitTorrent
import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// `supervisor create`: torrents that everybody reads in the same way, made whole or not at all.
    @Suite struct Create {
        let workspace: Workspace
        init() throws { workspace = try Workspace("create") }

        private func create(_ arguments: [String], within seconds: Double = 30) throws -> Running {
            try workspace.supervisor(["create"] + arguments, within: seconds)
        }

        private func metainfo(_ name: String) throws -> Metainfo {
            try MetainfoParser.parse([UInt8](Data(contentsOf: URL(fileURLWithPath: workspace.path(name)))))
        }

        /// What the tests' own creator makes of the same files.
        private func expected(_ path: String, pieceLength: String) throws -> Metainfo {
            try workspace.makeTorrent(of: workspace.path(path), pieceLength: pieceLength).metainfo
        }

        /// Names that sort differently as text, by components and by whole paths.
        private func makeFolder(_ name: String = "folder") throws {
            for (path, count) in [
                ("b/z.bin", 300_000), ("b.txt", 70_000), ("b/.hidden", 5), ("a", 1), ("B", 33_000), ("é", 16_384),
                ("b/y/empty", 0), ("c d/'\"&", 99_999), ("\u{65e5}/\u{672c}", 12),
            ] { try workspace.writeRandom(count, to: "\(name)/\(path)") }
        }

        /// Makes every read of a hash-worker slow, so that there is a middle to do things in.
        private let slowly = [
            "--worker-wrap", "hash=strace -D -f -qq -o /dev/null -e trace=pread64 -e inject=pread64:delay_enter=20000",
        ]

        /// Starts a slow creation and waits until pieces are hashed.
        private func begin(_ arguments: [String]) throws -> Running {
            let running = try Running(
                [Programs.supervisor, "create"] + arguments + ["--progress", "json", "--interval", "0.1"] + slowly,
                in: workspace, name: "create-\(workspace.nextNumber())")
            try awaiting("progress") {
                let events = try RunEvent.all(in: running.outputText.wholeLines)
                return events.contains { $0.count("checked_length") ?? 0 > 0 }
            }
            return running
        }

        // MARK: What others read

        @Test func torrentOfAFolderIsWhatAnotherCreatorMakes() throws {
            try makeFolder()
            let running = try create(["folder", "-o", "out.torrent", "--piece-length", "32K", "--json"])
            #expect(running.ending == .exited(0), "\(running.errorText)")
            let made = try metainfo("out.torrent")
            let other = try expected("folder", pieceLength: "32K")
            #expect(made.files.map(\.path.relative) == other.files.map(\.path.relative))
            #expect(made.infoHash == other.infoHash)
            let report = try #require(RunEvent(running.outputText.utf8))
            #expect(report.text("info_hash") == made.infoHash.description)
            #expect(report.text("name") == "folder" && report.text("path") == "out.torrent")
            #expect(report.count("total_length") == Int(made.geometry.totalByteCount))
            #expect(report.count("piece_length") == 32768 && report.count("num_files") == 9)
            #expect(report.count("num_pieces") == made.geometry.pieceCount)
            #expect(try MagnetLink(report.text("magnet") ?? "").infoHash == made.infoHash)
            let verifying = try workspace.supervisor(["verify", "out.torrent", "--dir", "."])
            #expect(verifying.ending == .exited(0), "\(verifying.outputText)")
        }

        @Test(.enabled(if: Able.libtorrent && Able.aria2 && Able.transmission, "needs the other clients"))
        func otherClientsReadItAndAgree() throws {
            try makeFolder()
            try workspace.writeRandom(5_000_000, to: "one file.iso")
            for (path, name) in [("folder", "folder"), ("one file.iso", "one file.iso")] {
                let running = try create([
                    path, "--tracker", "http://t.example/a,udp://u.example:1/a", "--tracker", "https://v.example/",
                    "--web-seed", "http://w.example/x/", "--comment", "some words", "--private",
                ])
                #expect(running.ending == .exited(0), "\(running.errorText)")
                #expect(running.outputText.isEmpty)
                let file = workspace.path("\(name).torrent")
                let hash = try metainfo("\(name).torrent").infoHash.description
                #expect(running.errorText.contains(hash))
                let script = """
                    import libtorrent as lt, sys
                    t = lt.torrent_info(sys.argv[1])
                    print(t.info_hash(), t.name(), t.priv(), t.comment())
                    print(sorted((x.tier, x.url) for x in t.trackers()))
                    print([s["url"] for s in t.web_seeds()], t.num_files())
                    """
                let libtorrent = try workspace.run([Programs.python, "-c", script, file], "libtorrent")
                #expect(libtorrent.hasPrefix("\(hash) \(name) True some words"))
                #expect(
                    libtorrent.contains(
                        "(0, 'http://t.example/a'), (0, 'udp://u.example:1/a'), (1, 'https://v.example/')"))
                #expect(libtorrent.contains("http://w.example/x/"))
                let transmission = try workspace.run(["transmission-show", file], "transmission")
                #expect(transmission.contains(hash) && transmission.contains("Private torrent"))
                #expect(transmission.contains("udp://u.example:1/a"))
                let aria2 = try workspace.run(["aria2c", "-S", file], "aria2")
                #expect(aria2.contains(hash) && aria2.contains("https://v.example/"))
                let show = try workspace.supervisor(["show", file])
                #expect(show.outputText.contains(hash) && show.errorText.isEmpty)
            }
        }

        @Test func numberOfHashWorkersChangesNoByte() throws {
            try makeFolder()
            try workspace.writeRandom(30_000_000, to: "folder/large")
            for count in ["1", "4"] {
                let running = try create(["folder", "-o", "by-\(count)", "--no-date", "--hash-workers", count])
                #expect(running.ending == .exited(0), "\(running.errorText)")
            }
            #expect(FileManager.default.contentsEqual(atPath: workspace.path("by-1"), andPath: workspace.path("by-4")))
            #expect(try metainfo("by-1").infoHash == expected("folder", pieceLength: "16K").infoHash)
        }

        @Test func twentyThousandFilesAreNoTrouble() throws {
            let script = """
                import os
                for number in range(20000):
                    folder = f"many/{number // 1000}"
                    os.makedirs(folder, exist_ok=True)
                    open(f"{folder}/{number}", "w").write(f"{number}\\n")
                """
            try workspace.run([Programs.python, "-c", script], "files")
            // Pieces of some 3,000 files, and one of more than a process may hold open.
            for length in ["16K", "64K"] {
                let running = try create(
                    ["many", "-o", "\(length).torrent", "--piece-length", length, "--hash-workers", "2", "--json"],
                    within: 60)
                #expect(running.ending == .exited(0), "\(running.errorText)")
                let other = try workspace.run(
                    Programs.tool("make_torrent", ["many", "-o", "other", "--piece-length", length]), "make_torrent")
                #expect(RunEvent(running.outputText.utf8)?.text("info_hash").map { $0 + "\n" } == other)
                let verifying = try workspace.supervisor(["verify", "\(length).torrent", "--dir", "."], within: 60)
                #expect(verifying.ending == .exited(0), "\(verifying.outputText.suffix(300))")
            }
        }

        // MARK: What is and is not taken

        @Test func whatIsNoFileIsLeftOutWithAWarning() throws {
            try makeFolder()
            let before = try expected("folder", pieceLength: "16K").infoHash
            symlink("b.txt", workspace.path("folder/link"))
            symlink("b", workspace.path("folder/b/loop"))
            mkfifo(workspace.path("folder/pipe"), 0o600)
            let running = try create(["folder", "--piece-length", "16K"])
            #expect(running.ending == .exited(0))
            #expect(running.errorText.contains("warning: folder/link: left out, it is a symbolic link\n"))
            #expect(running.errorText.contains("warning: folder/pipe: left out, it is a pipe\n"))
            #expect(try metainfo("folder.torrent").infoHash == before)
        }

        @Test func theTorrentItselfIsNoPartOfIt() throws {
            try makeFolder()
            let before = try expected("folder", pieceLength: "16K").infoHash
            for arguments in [[], ["--force"]] {
                let running = try create(["folder/", "-o", "folder/x.torrent"] + arguments)
                #expect(running.ending == .exited(0), "\(running.errorText)")
                #expect(try metainfo("folder/x.torrent").infoHash == before)
            }
        }

        @Test func dotIsCalledAfterItsDirectory() throws {
            try makeFolder()
            let running = try Running(
                ["env", "-C", workspace.path("folder"), Programs.supervisor, "create", ".", "-o", "-"], in: workspace,
                name: "dot")
            try running.wait()
            #expect(running.ending == .exited(0), "\(running.errorText)")
            #expect(try metainfo("dot.out").infoHash == expected("folder", pieceLength: "16K").infoHash)
            #expect(Torrent.files(below: workspace.path("folder")).count == 9)
        }

        @Test func pathsThatMakeNoTorrentAreRefusedInOneLine() throws {
            try FileManager.default.createDirectory(
                atPath: workspace.path("nothing/in"), withIntermediateDirectories: true)
            try workspace.write(Data(), to: "void/a")
            try workspace.write(Data(), to: "empty")
            try workspace.write(Data([1]), to: "there.torrent")
            try workspace.write(Data([1]), to: "there")
            let bad = try Running(
                ["sh", "-c", "mkdir bad; echo x > bad/$(printf 'a\\377')"], in: workspace, name: "sh")
            try bad.wait()
            for (arguments, problem) in [
                (["missing"], "missing: cannot be read (No such file or directory)"),
                (["nothing"], "nothing: there is no file in it"),
                (["void"], "void: holds no data (a torrent needs one byte at least)"),
                (["empty"], "empty: holds no data (a torrent needs one byte at least)"),
                (["/dev/null"], "/dev/null: is neither a file nor a directory"),
                (["/"], "/: has no name (a torrent needs one)"),
                (["bad"], "bad/a\u{FFFD}: the name is no UTF-8 (no other computer would read it right; rename it)"),
                (["there"], "there.torrent: is already there (--force replaces it)"),
                (["there", "-o", "nothing"], "nothing: is a directory (name a file in it)"),
                (["there", "-o", "no/where"], "no/where: cannot be written (No such file or directory)"),
            ] {
                let running = try create(arguments)
                #expect(running.ending == .exited(17), "\(arguments)")
                #expect(running.errorText == "supervisor: \(problem)\n")
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: workspace.path("there.torrent"))) == Data([1]))
        }

        @Test(.enabled(if: Able.setpriv, Why.root)) func unreadableFilesAreNamed() throws {
            try makeFolder()
            chmod(workspace.root, 0o777)
            let user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            func refusal() throws -> String {
                let running = try Running(
                    user + [Programs.supervisor, "create", "folder"], in: workspace,
                    name: "user-\(workspace.nextNumber())", environment: ["XDG_RUNTIME_DIR": ""])
                try running.wait()
                #expect(running.ending == .exited(17))
                return running.errorText
            }
            chmod(workspace.path("folder/b/z.bin"), 0)
            #expect(try refusal() == "supervisor: folder/b/z.bin: cannot be read (Permission denied)\n")
            chmod(workspace.path("folder/b"), 0)
            #expect(try refusal() == "supervisor: folder/b: cannot be read (Permission denied)\n")
        }

        // MARK: What happens meanwhile

        @Test(.enabled(if: Able.strace, Why.strace)) func deathOfEveryHashWorkerChangesNoByte() throws {
            try workspace.writeRandom(40_000_000, to: "one.bin")
            let kill = try Injection(
                "hash",
                [(.getFromFile, .kill, "30"), (.getFromFile, .kill, "60"), (.getFromFile, .kill, "20")], in: workspace)
            let running = try create(["one.bin", "--no-date", "--hash-workers", "2"] + kill.options)
            #expect(running.ending == .exited(0), "\(running.errorText)")
            #expect(kill.isUsedUp)
            #expect(try metainfo("one.bin.torrent").infoHash == expected("one.bin", pieceLength: "32K").infoHash)
        }

        @Test(.enabled(if: Able.strace, Why.strace)) func interruptionLeavesNothing() throws {
            try workspace.writeRandom(8_000_000, to: "in/one.bin")
            let running = try begin(["in/one.bin", "-o", "in/x.torrent"])
            running.send(SIGINT)
            #expect(try running.wait(within: 10) == .exited(7))
            #expect(Torrent.files(below: workspace.path("in")) == ["one.bin"])
            #expect(workspace.runDirectories.isEmpty)
            try awaiting("the end of all workers") { ProcessTable.ofRun(in: workspace).isEmpty }
        }

        @Test(.enabled(if: Able.strace, Why.strace), arguments: ["grown", "cut", "touched", "removed", "replaced"])
        func changedFileIsNamed(how: String) throws {
            try workspace.writeRandom(8_000_000, to: "in/a.bin")
            try workspace.writeRandom(30_000, to: "in/b.bin")
            let running = try begin(["in", "-o", "x.torrent", "--piece-length", "64K"])
            let path = workspace.path("in/b.bin")
            switch how {
            case "grown": try #require(truncate(path, 30_001) == 0)
            case "cut": try #require(truncate(path, 29_999) == 0)
            case "touched": try #require(utimes(path, nil) == 0)
            case "removed": unlink(path)
            default:
                try workspace.writeRandom(30_000, to: "other")
                try #require(rename(workspace.path("other"), path) == 0)
            }
            #expect(try running.wait(within: 30) == .exited(17))
            let problem = how == "removed" ? "went away while it was hashed" : "changed while it was hashed"
            #expect(running.errorText.contains("supervisor: in/b.bin: \(problem)"), "\(running.errorText)")
            #expect(!FileManager.default.fileExists(atPath: workspace.path("x.torrent")))
        }

        @Test(.enabled(if: Able.strace, Why.strace)) func readErrorIsTold() throws {
            try workspace.writeRandom(1_000_000, to: "one.bin")
            // Behind the reads of the loader.
            let broken = try Injection("hash", .getFromFile, .error("EIO"), when: "8", in: workspace)
            let running = try create(["one.bin", "--hash-workers", "1"] + broken.options)
            #expect(running.ending == .exited(17))
            #expect(running.errorText.contains("supervisor: one.bin: cannot be read (Input/output error)\n"))
        }

        @Test func fullStdoutIsAnError() throws {
            try workspace.writeRandom(100_000, to: "one.bin")
            let running = try Running(
                [Programs.supervisor, "create", "one.bin", "-o", "-"], in: workspace, name: "full",
                outputTo: "/dev/full")
            #expect(try running.wait() == .exited(17))
            #expect(running.errorText.contains("stdout: cannot be written (No space left on device)\n"))
        }
    }
}

extension String {
    /// Without a last line that is not complete.
    fileprivate var wholeLines: String { lastIndex(of: "\n").map { String(self[...$0]) } ?? "" }
}
