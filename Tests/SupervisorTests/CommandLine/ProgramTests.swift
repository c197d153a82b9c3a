import BitTorrent
import Foundation
import TestSupport
import Testing

@testable import Supervisor

/// The program's streams, exit codes and files, as a script meets them (faults.md, R44 and R47).
@Suite(.enabled(if: RunProgram.program != nil)) struct ProgramTests {
    @Test func showIsOnStdoutAndExits0() throws {
        let place = try RunProgram()
        let builder = TorrentBuilder.single(byteCount: 20000)
        let path = try place.write(builder.bytes, to: "a.torrent")
        let text = try place.run(["show", path])
        #expect(text.code == 0)
        #expect(text.stdout.hasPrefix("name        sample.bin\ninfo hash   \(builder.infoHash)\n"))
        #expect(text.stderr.isEmpty)
        let json = try place.run(["show", path, "--json"])
        let object = try JSONSerialization.jsonObject(with: Data(json.stdout.utf8)) as? [String: Any]
        #expect(object?["info_hash"] as? String == builder.infoHash.description)
        #expect(json.stdout.split(separator: "\n").count == 1)
        let files = try place.run(["--show-files", path])
        #expect(files.stdout == "sample.bin:\n  1  19.5 KiB  sample.bin\n")
        #expect(files.code == 0)
        #expect(place.contents == ["a.torrent"])
    }

    @Test(arguments: [["--help"], ["--version"], ["show", "--help"], ["verify", "--help"], ["create", "--help"]])
    func helpExits0(arguments: [String]) throws {
        let ending = try RunProgram().run(arguments)
        #expect(ending.code == 0)
        #expect(!ending.stdout.isEmpty && ending.stderr.isEmpty)
    }

    @Test(arguments: [
        ["--workers", "0", "a"], ["--workers", "1000", "a"], ["--workers", "lots", "a"], ["--nonsense", "a"], [],
        ["show"], ["verify", "a", "--nonsense"],
    ])
    func badOptionIsOneLineAnd28(arguments: [String]) throws {
        let ending = try RunProgram().run(arguments)
        #expect(ending.code == 28)
        #expect(ending.stdout.isEmpty)
        #expect(ending.stderr.hasPrefix("supervisor: "))
        #expect(ending.stderr.split(separator: "\n").count == 1, "\(ending)")
    }

    @Test func optionsComeFromEnvironmentAndFileToo() throws {
        let place = try RunProgram()
        let byEnvironment = try place.run(["a"], environment: ["SWARMKEEPER_WORKERS": "0"])
        #expect(byEnvironment.stderr == "supervisor: SWARMKEEPER_WORKERS: \"0\" is out of range (1 to 256)\n")
        try FileManager.default.createDirectory(atPath: place.path("x/swarmkeeper"), withIntermediateDirectories: true)
        let file = try place.write(Array("\nworkers = 0\n".utf8), to: "x/swarmkeeper/config")
        let byFile = try place.run(["a"], environment: ["XDG_CONFIG_HOME": place.path("x")])
        #expect(byFile.code == 28)
        #expect(byFile.stderr == "supervisor: \(file):2: workers: \"0\" is out of range (1 to 256)\n")
        _ = try place.write(Array("colour = red\n".utf8), to: "x/swarmkeeper/config")
        let unknown = try place.run(["missing"], environment: ["XDG_CONFIG_HOME": place.path("x")])
        #expect(unknown.code == 17)
        #expect(unknown.stderr.hasPrefix("supervisor: warning: \(file):1: unknown option \"colour\"\n"))
    }

    @Test func closedStreamsHurtNobody() throws {
        let place = try RunProgram()
        let path = try place.write(TorrentBuilder.single(byteCount: 20000).bytes, to: "a.torrent")
        #expect(try place.run(["show", path], redirections: ">&-").code == 0)
        #expect(try place.run(["show", path], redirections: ">&- 2>&- <&-").code == 0)
        #expect(try place.run(["--workers", "0", path], redirections: "2>&-").code == 28)
        // The log must not become the new stderr.
        let ending = try place.run(["missing", "--log", place.path("log")], redirections: ">&- 2>&-")
        #expect(ending.code == 17)
        let log = try String(contentsOfFile: place.path("log"), encoding: .utf8)
        #expect(log.split(separator: "\n").allSatisfy { $0.contains("T") && $0.contains("supervisor: ") }, "\(log)")
    }

    @Test func aReaderThatLeavesEarlyIsNoError() throws {
        let place = try RunProgram()
        let files = (0..<5000).map { TorrentBuilder.File("file \($0)", bytes: [1]) }
        let path = try place.write(TorrentBuilder(.multiple(files)).bytes, to: "many.torrent")
        let ending = try place.run(["show", path], redirections: "| head -n 1")
        #expect(ending.stdout == "name        sample\n")
        #expect(ending.stderr.isEmpty)
    }

    @Test func aFullDiskBehindStdoutIsAnError() throws {
        let place = try RunProgram()
        let path = try place.write(TorrentBuilder.single(byteCount: 20000).bytes, to: "a.torrent")
        let ending = try place.run(["show", path], redirections: ">/dev/full")
        #expect(ending.code == 17)
        #expect(ending.stderr == "supervisor: stdout: cannot be written (No space left on device)\n")
    }

    @Test func aFailedStartIsInTheEventsToo() throws {
        let place = try RunProgram()
        let ending = try place.run(["missing", "--progress", "json", "--events", place.path("events")])
        #expect(ending.code == 17)
        let events = try String(contentsOfFile: place.path("events"), encoding: .utf8)
        #expect(events == ending.stdout)
        let lines = try events.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(lines.map { $0["event"] as? String } == ["error", "exit"])
        #expect(lines.last?["code"] as? Int == 17)
        #expect(lines.last?["reason"] as? String == "missing: cannot be read (No such file or directory)")
        #expect(ending.stderr == "supervisor: missing: cannot be read (No such file or directory)\n")
    }

    @Test func aLogThatCannotBeOpenedIsNamed() throws {
        let ending = try RunProgram().run(["a", "--log", "/no/where"])
        #expect(ending.code == 17)
        #expect(
            ending.stderr == "supervisor: /no/where: cannot be opened for writing (No such file or directory)\n")
    }
}
