import BitTorrent
import CLinux
import Foundation
import Logging
import PoolProtocol
import PoolRuntime
import TestSupport
import Testing

@testable import Supervisor

/// What goes where: stdout carries only what was asked for, everything else stderr, the log and the events.
@Suite(.serialized) struct OutputTests {
    /// An `Output` whose streams end in pipes, or on a terminal for stderr.
    final class Rig {
        private var output: Output?
        private let stdoutReader: CInt
        private let stderrReader: CInt
        let logPath = NSTemporaryDirectory() + "swarmkeeper-log-\(UUID().uuidString)"
        let eventsPath = NSTemporaryDirectory() + "swarmkeeper-events-\(UUID().uuidString)"

        /// - Parameter arguments: of a download; `LOG` and `EVENTS` stand for the rig's files.
        init(_ arguments: String..., columns: UInt16? = nil, environment: [String: String] = [:]) throws {
            let names = ["LOG": logPath, "EVENTS": eventsPath]
            let line = ParsedCommandLine(environment: environment)
            guard case .download(let options) = try line.parse(["a"] + arguments.map { names[$0] ?? $0 }) else {
                throw UserError(.internalError, "", "no download")
            }
            var out: [CInt] = [-1, -1], errors: [CInt] = [-1, -1]
            try #require(Glibc.pipe(&out) == 0)
            if let columns {
                var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
                var (ours, theirs): (CInt, CInt) = (-1, -1)
                try #require(openpty(&ours, &theirs, nil, nil, &size) == 0)
                errors = [ours, theirs]
            } else {
                try #require(Glibc.pipe(&errors) == 0)
            }
            for end in out + errors { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            (stdoutReader, stderrReader) = (out[0], errors[0])
            output = try Output(
                options.output, environment: environment, standardOutput: out[1], standardError: errors[1])
        }

        deinit {
            close(stdoutReader)
            close(stderrReader)
            unlink(logPath)
            unlink(eventsPath)
        }

        /// - Returns: everything that went to stdout and stderr; nothing can be written any more.
        func run(_ body: (Output) -> Void) -> (stdout: String, stderr: String) {
            body(output!)
            output = nil
            return (Self.drain(stdoutReader), Self.drain(stderrReader))
        }

        /// Until something stands on stderr; the end would take a table away unseen.
        func awaitMessages() {
            var waiting = pollfd(fd: stderrReader, events: Int16(POLLIN), revents: 0)
            poll(&waiting, 1, 20_000)
        }

        var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }
        var events: String { (try? String(contentsOfFile: eventsPath, encoding: .utf8)) ?? "" }

        /// Until the end; a terminal whose other side is closed ends with an error.
        private static func drain(_ descriptor: CInt) -> String {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
                bytes += buffer[..<count]
            }
        }
    }

    private static let start = Event.start(
        StartReport(
            torrents: [
                .init(
                    infoHash: StatusReportFixture.infoHash, name: "a", totalByteCount: 1000, completedByteCount: 0,
                    pieceCount: 1, pieceByteCount: 1024, directory: ".")
            ], peerWorkerCount: 1, hashWorkerCount: 1, listenPort: 0, memoryByteCount: 1 << 20))

    /// A short life with one of everything.
    private func live(_ output: Output) {
        output.emit(Self.start)
        output.show(StatusReportFixture.report())
        output.show(StatusReportFixture.report())
        output.emit(.piece(StatusReportFixture.torrentName, PieceIndex(0), state: "verified"))
        output.emit(.warning("careful \u{1B}[31m"))
        output.complained(Place(.peerWorker, 3), "warning p3.1: odd peer=192.0.2.1:1")
        output.complained(Place(.peerWorker, 3), "info p3.1: fine")
        output.complained(Place(.hashWorker, 0), "Fatal error: oh no")
        output.logger("http").error("broken", metadata: ["url": "http://t"])
        output.logger().notice("noted")
        output.finish(.complete, reason: "complete", summary: StatusReportFixture.report())
    }

    private static let startLines = [
        "a: 1000 B in 1 piece, into .", "1 peer-worker, 1 hash-worker, 1.0 MiB of memory for pieces, no listening port",
    ]
    private static let warnings = [
        #"supervisor: warning: careful \u{1b}[31m"#, "supervisor: warning: p3.1: odd peer=192.0.2.1:1",
        "supervisor: http: broken url=http://t",
    ]
    private var progress: String { ProgressLine.text(StatusReportFixture.report(), columns: nil, isUTF8: true) }
    private var summary: String { ProgressLine.summary(StatusReportFixture.report(), code: .complete) }

    private func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

    @Test func withoutATerminalThereArePlainLines() throws {
        let (stdout, stderr) = try Rig().run(live)
        #expect(stdout == "")
        #expect(lines(stderr) == Self.startLines + [progress] + Self.warnings + [summary])
    }

    @Test func quietIsQuietButForErrors() throws {
        let (stdout, stderr) = try Rig("-q").run { output in
            live(output)
        }
        #expect(stdout == "")
        #expect(lines(stderr) == ["supervisor: http: broken url=http://t"])
    }

    @Test func noProgressLeavesTheMessages() throws {
        let (stdout, stderr) = try Rig("--progress", "none").run(live)
        #expect(stdout == "")
        #expect(lines(stderr) == Self.warnings)
    }

    @Test func jsonIsAloneOnStdout() throws {
        let (stdout, stderr) = try Rig("--progress", "json", "-q").run(live)
        let names = try lines(stdout).map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?["event"] as? String
        }
        #expect(names == ["start", "progress", "piece", "warning", "warning", "progress", "exit"])
        #expect(lines(stderr) == ["supervisor: http: broken url=http://t"])
    }

    @Test func eventsAndLogHaveFilesOfTheirOwn() throws {
        let rig = try Rig("--events", "EVENTS", "--log", "LOG", "--log-level", "trace", "--progress", "none")
        let (stdout, stderr) = rig.run(live)
        #expect(stdout == "")
        #expect(lines(stderr) == Self.warnings)
        #expect(lines(rig.events).count == 7)
        #expect(lines(rig.events).contains { $0.contains(#""message":"p3.1: odd peer=192.0.2.1:1""#) })
        let log = lines(rig.log)
        #expect(log.allSatisfy { $0.dropFirst(10).first == "T" })
        #expect(
            log.map { $0.split(separator: " ", maxSplits: 1).last.map(String.init) } == [
                "notice supervisor: \(Self.startLines[0])", "notice supervisor: \(Self.startLines[1])",
                "trace supervisor: t3 piece:0: verified",
                #"warning supervisor: careful \u{1b}[31m"#, "warning p3.1: odd peer=192.0.2.1:1",
                "info p3.1: fine", "notice h0: Fatal error: oh no", "error http: broken url=http://t",
                "notice supervisor: noted", "notice supervisor: exit code 0 (complete)",
                "notice supervisor: \(summary)",
            ])
    }

    @Test func theLogBeginsAtNotice() throws {
        let rig = try Rig("--log", "LOG")
        _ = rig.run(live)
        #expect(!rig.log.contains("trace") && !rig.log.contains("info"))
        #expect(rig.log.contains("notice supervisor: noted"))
    }

    @Test func withoutALogTheTerminalTakesTheLevel() throws {
        let (_, loud) = try Rig("--progress", "none", "--log-level", "info").run(live)
        #expect(loud.contains("supervisor: p3.1: fine\n"))
        let (_, few) = try Rig("--progress", "none", "--log-level", "critical").run(live)
        #expect(lines(few) == ["supervisor: http: broken url=http://t"], "errors are always told")
    }

    @Test func aTerminalGetsOneLineThatIsRewritten() throws {
        let environment = ["LANG": "C.UTF-8", "TERM": "xterm"]
        let (stdout, stderr) = try Rig(columns: 60, environment: environment).run(live)
        #expect(stdout == "")
        let bar = ProgressLine.text(StatusReportFixture.report(), columns: 60, isUTF8: true)
        #expect(!bar.isEmpty && bar != progress)
        let erase = "\r\u{1B}[K"
        // The bar may be written before or behind the warnings, but always stands alone at the bottom, and goes.
        let lastScreen = stderr.replacingOccurrences(of: "\r\n", with: "\n")
        #expect(lastScreen.contains(bar + erase) || !lastScreen.contains(bar))
        #expect(lastScreen.hasSuffix("\n\(summary)\n") || lastScreen.hasSuffix("\(erase)\(summary)\n"))
        #expect(!lastScreen.contains(bar + "\n"))
    }

    @Test func severalTorrentsGetATableThatGoesAtTheEnd() throws {
        var torrents = ["first", "second"].map { StatusReportFixture.torrent(name: $0) }
        for index in torrents.indices { torrents[index].map = PieceMap(have: PieceSet(pieceCount: 9)) }
        let report = StatusReportFixture.report(torrents)
        let rig = try Rig(columns: 100, environment: ["NO_COLOR": "1"])
        let (_, stderr) = rig.run { output in
            #expect(output.wantsPieceMaps(torrentCount: 2) && !output.wantsPieceMaps(torrentCount: 1))
            output.show(report)
            rig.awaitMessages()
            output.emit(.warning("odd"))
            output.finish(.complete, reason: "", summary: report)
        }
        let shown = stderr.replacingOccurrences(of: "\r\n", with: "\n")
        #expect(shown.contains("TORRENT") && shown.contains("\nfirst ") && shown.contains("\nsecond "))
        #expect(shown.contains("\u{1B}[J"))
        #expect(!shown.contains("\u{1B}[2m"))
        #expect(shown.hasSuffix("\(ProgressLine.summary(report, code: .complete))\n"))
        #expect(shown.contains("supervisor: warning: odd\n"))
    }

    @Test func aDumbTerminalGetsPlainLines() throws {
        let (_, stderr) = try Rig(columns: 60, environment: ["TERM": "dumb"]).run(live)
        #expect(stderr.contains(progress + "\r\n"))
    }

    @Test func theReasonIsToldOnce() throws {
        let (_, stderr) = try Rig().run { output in
            output.emit(.error("disk: is on fire"))
            let code = output.finish(.fileError, reason: "disk: is on fire", summary: StatusReportFixture.report())
            #expect(code == .fileError)
        }
        #expect(
            lines(stderr) == [
                "supervisor: disk: is on fire",
                ProgressLine.summary(StatusReportFixture.report(), code: .fileError),
            ])
        let (_, interrupted) = try Rig().run { $0.finish(.interrupted, reason: "interrupted", summary: nil) }
        #expect(interrupted == "supervisor: interrupted\n")
        let (_, summed) = try Rig().run {
            $0.finish(.interrupted, reason: "interrupted", summary: StatusReportFixture.report())
        }
        #expect(summed.hasPrefix("debian-12.iso: stopped at 42.3%"))
    }

    @Test func theResultOfVerifyIsOnStdout() throws {
        let metainfo = try TorrentBuilder.single(byteCount: 100).metainfo()
        var report = VerifyReport(metainfo: metainfo)
        report.right(PieceIndex(0))
        let (text, _) = try Rig().run { output in
            output.verified(report, asJSON: false)
            output.finish(.complete, reason: "", summary: nil)
        }
        #expect(text == "sample.bin: 1 piece, all right\n")
        let (json, stderr) = try Rig("-q").run { output in
            output.verified(report, asJSON: true)
            output.finish(.verifyFailed, reason: "bad", summary: nil)
        }
        #expect(lines(json) == [VerifyText(report: report).json.text])
        #expect(stderr == "")
    }

    @Test func theStatusGoesToTheLogOrTheTerminal() throws {
        let rig = try Rig("--log", "LOG")
        let (_, none) = rig.run { output in
            output.logStatus(["ID  ROLE", "", "p7  peer"])
            output.finish(.complete, reason: "", summary: nil)
        }
        #expect(none == "")
        #expect(rig.log.contains("notice supervisor: p7  peer"))
        let (_, stderr) = try Rig().run { output in
            output.logStatus(["ID  ROLE", "", "p7  peer"])
            output.finish(.complete, reason: "", summary: nil)
        }
        #expect(lines(stderr) == ["ID  ROLE", "p7  peer"])
    }

    @Test func anUnreadStderrDelaysTheEndByASecondAtMost() throws {
        var ends: [CInt] = [-1, -1], out: [CInt] = [-1, -1]
        try #require(Glibc.pipe(&ends) == 0 && Glibc.pipe(&out) == 0)
        defer { for end in [ends[0], out[0]] { close(end) } }
        let output = try Output(
            try ParsedCommandLine().download("a").output, environment: [:], standardOutput: out[1],
            standardError: ends[1])
        let started = MonotonicClock.now
        for _ in 0..<2000 { output.emit(.warning(String(repeating: "w", count: 500))) }
        let finishing = MonotonicClock.now
        output.finish(.complete, reason: "", summary: StatusReportFixture.report())
        let ended = MonotonicClock.now
        #expect(finishing - started < .seconds(10))
        #expect(ended - finishing >= .milliseconds(900) && ended - finishing < .seconds(10))
    }

    @Test func figuresAreWantedWhenProgressIsDue() throws {
        _ = try Rig("--progress", "plain", "--interval", "60").run { output in
            #expect(output.wantsWorkerFigures)
            output.show(StatusReportFixture.report())
            #expect(!output.wantsWorkerFigures)
            output.finish(.complete, reason: "", summary: nil)
        }
        _ = try Rig("--progress", "none").run { output in
            #expect(!output.wantsWorkerFigures)
            #expect(output.nextProgress == .distantFuture)
            output.finish(.complete, reason: "", summary: nil)
        }
    }
}
