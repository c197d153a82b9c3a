import BitTorrent
import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What memory follows: `--memory` and the number of pieces, not the size of a torrent or the number of peers.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Memory {
        let workspace: Workspace
        init() throws { workspace = try Workspace() }

        private static let mebibyte = 1 << 20

        /// A torrent of zeros whose seeder needs no room on the disk.
        private func sparseTorrent(_ name: String, pieces: Int, pieceByteCount: Int) throws -> Torrent {
            let digest = SHA1.hash(of: [UInt8](repeating: 0, count: pieceByteCount)).bytes
            let info: BencodeValue = [
                "length": .integer(Int64(pieces) * Int64(pieceByteCount)), "name": .text(name),
                "piece length": .integer(Int64(pieceByteCount)),
                "pieces": .string((0..<pieces).flatMap { _ in digest }),
            ]
            let bytes = BencodeEncoder().encode(["info": info])
            try workspace.write(Data(bytes), to: "\(name).torrent")
            try workspace.write(Data(), to: "seed/\(name)")
            truncate(workspace.path("seed/\(name)"), pieces * pieceByteCount)
            return Torrent(
                file: workspace.path("\(name).torrent"), seedDirectory: workspace.path("seed"),
                metainfo: try MetainfoParser.parse(bytes))
        }

        /// Proportional set sizes of all processes of the run, in bytes: what is shared counts once.
        private func memory() -> Int {
            ProcessTable.ofRun(in: workspace).reduce(0) { $0 + (ProcessTable.proportionalByteCount($1) ?? 0) }
        }

        @Test func sixtyFourGibibytesNeedNoMoreMemoryThanSixteenMebibytes() throws {
            let small = try sparseTorrent("small", pieces: 1, pieceByteCount: 16 * Self.mebibyte)
            let idle = try SupervisorRun(workspace, [small], ["--no-tracker", "--memory", "96M"])
            _ = try idle.worker("peer", 1)
            let base = memory()
            idle.process.send(SIGINT)
            try idle.expectEnd(7)

            let large = try sparseTorrent("large", pieces: 4096, pieceByteCount: 16 * Self.mebibyte)
            let seeder = try Seeder.lean(large, in: workspace)
            let run = try SupervisorRun(
                workspace, [large], ["--no-tracker", "--memory", "96M", "--peer", seeder.address])
            var most = 0
            try awaiting("eight pieces") {
                most = max(most, memory())
                return run.pieces("written").count >= 8
            }
            #expect(most <= base + (96 + 16) * Self.mebibyte, "\(most >> 20) MiB, \(base >> 20) when idle")
            run.process.send(SIGINT)
            try run.expectEnd(7)
        }

        /// Runs a program to its end.
        /// - Returns: its peak of resident memory, in bytes, programs and libraries included.
        private func peak(_ command: [String], outputTo: String) throws -> Int {
            let script = """
                import resource, subprocess, sys
                subprocess.run(sys.argv[2:], stdout=open(sys.argv[1], "w"), check=True)
                print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
                """
            let text = try workspace.run([Programs.python, "-c", script, outputTo] + command, "peak")
            return try #require(Int(text.dropLast())) << 10
        }

        @Test(arguments: ["show", "show --json", "--show-files"])
        func aLongListOfFilesIsShownWithoutHavingItInMemory(command: String) throws {
            let files: [BencodeValue] = (0..<100_000).map { number in
                [
                    "length": 1000,
                    "path": .list([.text("folder \(number / 1000)"), .text("an ordinary name \(number).bin")]),
                ]
            }
            let pieceCount = (100_000 * 1000 + 65535) / 65536
            let bytes = BencodeEncoder().encode([
                "info": [
                    "files": .list(files), "name": "many", "piece length": 65536,
                    "pieces": .string([UInt8](repeating: 1, count: pieceCount * 20)),
                ]
            ])
            try workspace.write(Data(bytes), to: "many.torrent")
            let output = workspace.path("shown")
            let words = command.split(separator: " ").map(String.init)
            let most = try peak([Programs.supervisor] + words + [workspace.path("many.torrent")], outputTo: output)
            #expect(most <= bytes.count + 56 * Self.mebibyte, "\(most >> 20) MiB for \(bytes.count >> 20)")
            let shown = try Data(contentsOf: URL(fileURLWithPath: output))
            if words.last == "--json" {
                let object = try #require(try JSONSerialization.jsonObject(with: shown) as? [String: Any])
                #expect((object["files"] as? [Any])?.count == 100_000)
            } else {
                #expect(
                    shown.suffix(40).elementsEqual(
                        "  1000 B  many/folder 99/an ordinary name 99999.bin\n".utf8.suffix(40)))
                #expect(shown.count { $0 == UInt8(ascii: "\n") } >= 100_000)
            }
        }

        @Test func manyWorkersWithTheLeastMemoryKeepToItAndComplete() throws {
            let torrent = try workspace.makeTorrent(size: "16M")
            let seeder = try Seeder.lean(torrent, in: workspace)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--workers", "8", "--memory", "8M", "--peer", seeder.address])
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
            let start = try run.wait(for: "start") { $0.kind == "start" }
            #expect((start.count("memory") ?? 0) <= 8 * Self.mebibyte)
            #expect((start.count("memory") ?? 0) > 7 * Self.mebibyte)
        }

        @Test func moreWorkersThanTheMemoryHoldsAreRefusedWithTheLeastThatWorks() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let refused = try workspace.supervisor(
                ["--dir", workspace.path("out"), "--workers", "100", "--memory", "8M", torrent.file])
            #expect(refused.ending == .exited(28))
            let reason = "100 peer-workers do not fit (at least 50M are needed, or fewer --workers)"
            #expect(refused.errorText == "supervisor: --memory: \(reason)\n")
        }

        @Test func fiveHundredIdlePeersTakeLittleMemoryAndTime() throws {
            let torrent = try workspace.makeTorrent(size: "1M")
            let peers = try Seeder.recording(torrent, in: workspace, mode: "never-unchoke", listen: "0.0.0.0:0")
            let addresses = (0..<500).flatMap { ["--peer", "127.0.\(1 + $0 / 200).\(1 + $0 % 200):\(peers.port)"] }
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--max-peers", "600", "--interval", "0.2", "--memory", "96M"] + addresses)
            _ = try run.worker("peer", 1)
            let before = memory()
            try run.wait(for: "500 peers", within: 60) { ($0.count("num_peers") ?? 0) >= 500 }
            let after = memory()
            #expect(after - before < 500 * 48 << 10, "\((after - before) >> 10) KiB")
            let workers = try (0..<2).map { try run.worker("peer", $0) }
            let used = workers.map { ProcessTable.cpuSeconds($0) ?? 0 }
            let since = secondsNow()
            try awaiting("two seconds") { secondsNow() - since > 2 }
            for (worker, used) in zip(workers, used) {
                let now = try #require(ProcessTable.cpuSeconds(worker))
                #expect((now - used) / (secondsNow() - since) < 0.05)
            }
            run.process.send(SIGINT)
            try run.expectEnd(7)
        }
    }
}
