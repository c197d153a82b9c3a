import BitTorrent
@testable import Supervisor
import TestSupport

/// What clients of the control socket and of `--metrics-listen` send; the first byte says how their bytes are cut.
enum ControlLineTarget: FuzzTarget {
    static let name = "control-lines"

    static let seeds: [[UInt8]] = [
        "ps\nstats json\nwhere p0\n", "cancel t1/peer:12\r\nsignal SIGSTOP h1\nquit\n", "  --json  \n\n\t\nhelp",
        "where \u{1B}[2J\nabout x\nwhere piece:99999999999\n", "where tracker:4294967296\ncancel w0\ncancel s/s\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost:9000\r\n\r\n", "GET /x?y HTTP/1.0\r\n\r\n",
        "POST /metrics HTTP/1.1\nHost: [::1]:80\nX: \u{7F}\n\n", String(repeating: "a", count: 1030) + "\nps\n",
    ].flatMap { text in [0, 7, 255].map { [$0] + Array(text.utf8) } }

    static func run(_ input: [UInt8]) throws {
        guard let first = input.first else { return }
        let stream = Array(input.dropFirst())
        let step = Int(first) + 1
        let lines = try requests(of: ControlSession(now: now), stream, step: step)
        // However it comes, and a line that is too long is one error.
        try promise(lines == (try requests(of: ControlSession(now: now), stream, step: 1)), "cuts change the lines")
        for case .line(let line) in lines { try check(line) }
        for mustNameUs in [false, true] {
            let session = MetricsSession(mustNameUs: mustNameUs, now: now)
            let asked = try requests(of: session, stream, step: step)
            try promise(asked.count <= 1, "two requests on one connection")
        }
    }

    private static let now = FakeClock().now

    private static func requests<Session: StreamSession>(
        of session: Session, _ stream: [UInt8], step: Int
    ) throws -> [Session.Request] {
        var session = session
        var requests: [Session.Request] = []
        func answerAll() throws {
            while session.hasRequest {
                guard let request = session.nextRequest() else {
                    throw BrokenPromise(description: "a request that is not there")
                }
                requests.append(request)
                session.answer(Array("answer\n".utf8), isLast: false, now: now)
                try promise(!session.hasRequest, "the next request before the answer has left")
                while !session.output.isEmpty { session.sent(min(3, session.output.count), now: now) }
            }
        }
        for start in stride(from: 0, to: stream.count, by: step) {
            session.received(stream[start..<min(start + step, stream.count)], now: now)
            try answerAll()
        }
        session.inputEnded(now: now)
        try answerAll()
        try promise(session.isOver, "a session that never ends")
        return requests
    }

    /// What a name of a torrent that is not there says is another question.
    private static func torrent(of name: ThingName) -> Int {
        switch name {
        case .supervisor, .process: 0
        case .torrent(let torrent), .peer(let torrent, _), .tracker(let torrent, _), .piece(let torrent, _): torrent
        }
    }

    private static func check(_ line: [UInt8]) throws {
        try promise(line.count <= ControlSession.longestLine, "a line of \(line.count) bytes")
        for torrentCount in [1, 3] {
            let request: ControlRequest?
            do throws(ControlFault) {
                request = try ControlRequest.parse(line, torrentCount: torrentCount)
            } catch {
                try HTTPTrackerTarget.checkText(error.description)
                let answer = ControlAnswer.bytes(error, isJSON: ControlRequest.wantsJSON(line))
                try promise(answer.filter { $0 == UInt8(ascii: "\n") }.count == 1, "an error of several lines")
                continue
            }
            switch request?.command {
            case .whereIs(let name), .cancel(let name), .signal(_, let name):
                guard torrent(of: name) < torrentCount else { continue }
                let text = name.text(torrentCount: torrentCount)
                try promise(try ThingName(text, torrentCount: torrentCount) == name, "\(text) names something else")
            case .ps, .stats, .about, .help, .quit, nil: break
            }
        }
    }
}
