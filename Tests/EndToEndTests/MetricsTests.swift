import Foundation
import Testing

extension EndToEnd {
    /// `--metrics-listen` during a download.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Metrics {
        let workspace: Workspace
        let torrent: Torrent
        init() throws {
            workspace = try Workspace("metrics")
            torrent = try workspace.makeTorrent(size: "12M", pieceLength: "128K")
        }

        private func download(port: Int) throws -> SupervisorRun {
            let seeder = try Seeder.lean(torrent, in: workspace, rate: 4 << 20)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--peer", seeder.address, "--metrics-listen", String(port)])
            try run.wait(forPieces: 4)
            return run
        }

        /// What a program that says these bytes gets back.
        private func exchange(_ bytes: String, port: Int) throws -> String {
            let script = """
                import socket, sys
                s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)
                s.sendall(sys.argv[2].encode())
                data = b''
                while True:
                    part = s.recv(65536)
                    if not part: break
                    data += part
                sys.stdout.write(data.decode())
                """
            let talk = try Running(
                [Programs.python, "-c", script, String(port), bytes], in: workspace,
                name: "http-\(workspace.nextNumber())")
            try talk.wait()
            return talk.outputText
        }

        @Test func prometheusReadsThemWithoutAComplaint() throws {
            let port = Int(try Ports.free())
            let run = try download(port: port)
            let answer = try exchange("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"))
            let body = answer.components(separatedBy: "\r\n\r\n").dropFirst().joined()
            #expect(body.contains("swarmkeeper_stage_bytes_total{stage=\"written\"}"))
            for role in ["supervisor", "peer", "hash", "writer"] {
                #expect(body.contains("swarmkeeper_worker_up{role=\"\(role)\",ordinal=\"0\"} 1"))
            }
            #expect(!body.contains("one.bin"))
            if let promtool = Programs.find("promtool"), let shell = Programs.find("sh") {
                try workspace.write(Data(body.utf8), to: "metrics.txt")
                let check = try Running(
                    [shell, "-c", "\(promtool) check metrics < '\(workspace.path("metrics.txt"))'"], in: workspace,
                    name: "promtool")
                #expect(try check.wait() == .exited(0), "\(check.outputText) \(check.errorText)")
                #expect(check.errorText.isEmpty && check.outputText.isEmpty, "\(check.outputText) \(check.errorText)")
            }
            try run.expectEnd(0)
        }

        @Test func badRequestsAreAnsweredAndClosedAndTheDownloadGoesOn() throws {
            let port = Int(try Ports.free())
            let run = try download(port: port)
            for (bytes, status) in [
                ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"), ("nonsense\r\n\r\n", "400"),
                ("DELETE /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"),
                ("GET /metrics HTTP/1.1\r\nHost: page.example\r\n\r\n", "403"),
                (String(repeating: "A", count: 20_000), "431"),
            ] { #expect(try exchange(bytes, port: port).hasPrefix("HTTP/1.1 \(status) "), "\(bytes.prefix(40))") }
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
        }

        @Test func aPortThatIsTakenIsNamed() throws {
            let port = Int(try Ports.free())
            let run = try download(port: port)
            let other = try workspace.makeTorrent("other.bin", size: "1M")
            let second = try workspace.supervisor(
                [
                    "--no-tracker", "--listen-port", "0", "--dir", workspace.path("out2"), "--metrics-listen",
                    "\(port)", other.file,
                ])
            #expect(
                second.ending == .exited(28)
                    && second.errorText.contains("--metrics-listen: cannot listen on 127.0.0.1:\(port)"))
            try run.expectEnd(0)
        }
    }
}
