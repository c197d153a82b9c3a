import Foundation
import Testing

extension EndToEnd {
    /// Names that are no UTF-8, which a file system takes and a terminal does not.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct PathBytes {
        let workspace: Workspace
        let torrent: Torrent
        init() throws {
            workspace = try Workspace()
            torrent = try workspace.makeTorrent(size: "1M", pieceLength: "64K")
        }

        /// Runs a line of shell, where `$bad` is a byte that is no text, `$supervisor` the program and `$torrent` a file.
        private func shell(_ line: String, _ name: String) throws -> Running {
            let script = "bad=$(printf '\\377'); supervisor=$1; torrent=$2; peer=$3; \(line)"
            let seeder = try Seeder.lean(torrent, in: workspace)
            let running = try Running(
                ["/bin/sh", "-c", script, "sh", Programs.supervisor, torrent.file, seeder.address], in: workspace,
                name: name)
            try running.wait(within: 30)
            return running
        }

        @Test func torrentAndDirectoriesMayHaveAnyName() throws {
            let run = try shell(
                """
                cp "$torrent" "a$bad.torrent" &&
                "$supervisor" -d "out$bad/deep" --state-dir="state$bad" --events "events$bad" --log "log$bad" \
                    --no-tracker --peer "$peer" --listen-port 0 "a$bad.torrent" &&
                cmp "seed/one.bin" "out$bad/deep/one.bin" && ls "state$bad" && cat "log$bad" && mv "events$bad" events
                """, "download")
            #expect(run.ending == .exited(0), "\(run.errorText)")
            #expect(run.outputText.contains(".journal\n"))
            #expect(run.outputText.contains("into out\u{FFFD}/deep"))
            let events = EventLog(workspace.path("events"))
            let start = try #require(events.read().first { $0.kind == "start" })
            #expect(start.objects("torrents").first?["dir"] as? String == "out\u{FFFD}/deep")
            #expect(run.errorText.utf8.allSatisfy { $0 < 0x80 } || run.errorText.contains("\u{FFFD}"))
        }

        @Test func showAndVerifyFindThemToo() throws {
            let run = try shell(
                """
                cp "$torrent" "a$bad.torrent" && mkdir "in$bad" && cp seed/one.bin "in$bad/" &&
                "$supervisor" show "a$bad.torrent" && "$supervisor" verify --dir="in$bad" -- "a$bad.torrent"
                """, "look")
            #expect(run.ending == .exited(0), "\(run.errorText)")
            #expect(run.outputText.contains("16 pieces, all right"))
        }

        @Test func messagesShowThemRepaired() throws {
            let run = try shell("exec \"$supervisor\" \"none$bad\"", "missing")
            #expect(run.ending == .exited(17))
            #expect(run.errorText == "supervisor: none\u{FFFD}: cannot be read (No such file or directory)\n")
        }
    }
}
