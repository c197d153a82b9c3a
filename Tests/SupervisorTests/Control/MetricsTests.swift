import BitTorrent
import TestSupport
import Testing

@testable import Supervisor

@Suite struct MetricsSessionTests {
    private let now = FakeClock().now

    private func session(_ text: String, mustNameUs: Bool = true) -> MetricsSession {
        var session = MetricsSession(mustNameUs: mustNameUs, now: now)
        session.received(Array(text.utf8), now: now)
        return session
    }

    private func request(_ text: String, mustNameUs: Bool = true) -> MetricsSession.Request? {
        var session = session(text, mustNameUs: mustNameUs)
        return session.nextRequest()
    }

    @Test(arguments: [
        "GET /metrics HTTP/1.1\r\nHost: localhost:9100\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nhost:127.0.0.1\r\nA: b\r\n\r\n",
        "GET /metrics?x=1 HTTP/1.1\nHost: [::1]:9100\n\n", "GET /metrics HTTP/1.0\r\n\r\n",
    ])
    func aScrapeIsUnderstood(text: String) {
        #expect(request(text) == .metrics)
        for cut in 1..<text.utf8.count {
            var session = MetricsSession(mustNameUs: true, now: now)
            session.received(Array(text.utf8.prefix(cut)), now: now)
            #expect(!session.hasRequest, "\(cut)")
            session.received(Array(text.utf8.dropFirst(cut)), now: now)
            #expect(session.nextRequest() == .metrics)
        }
    }

    @Test(arguments: [
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 405), ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET /metrics/../x HTTP/1.1\r\nHost: localhost\r\n\r\n", 404), ("GET /metrics HTTP/1.1\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        ("GET /metrics HTTP/2.0\r\nHost: localhost\r\n\r\n", 400), ("GET /metrics\r\n\r\n", 400),
        ("hello\n\n", 400), ("GET  /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost localhost\r\n\r\n", 400),
        // A page that has its own name lead here (DNS rebinding).
        ("GET /metrics HTTP/1.1\r\nHost: evil.example:9100\r\n\r\n", 403),
    ])
    func everythingElseIsRefused(text: String, status: Int) {
        guard case .refused(status, _) = request(text) else {
            Issue.record("\(text) is \(String(describing: request(text)))")
            return
        }
    }

    @Test func aServerThatIsNotOnLoopbackMayHaveAName() {
        #expect(request("GET /metrics HTTP/1.1\r\nHost: box.example:9100\r\n\r\n", mustNameUs: false) == .metrics)
    }

    @Test func aRequestWithoutEndIsRefusedAndNotKept() {
        var session = MetricsSession(mustNameUs: true, now: now)
        for _ in 0..<3 { session.received([UInt8](repeating: 65, count: 4096), now: now) }
        #expect(session.nextRequest() == .refused(431, "Request Header Fields Too Large"))
    }

    @Test func whatIsNoTextIsABadRequest() {
        var session = MetricsSession(mustNameUs: true, now: now)
        session.received([0xFF, 0xFE, 0x0A, 0x0A], now: now)
        #expect(session.nextRequest() == .refused(400, "Bad Request"))
    }

    @Test func oneAnswerAndTheEnd() {
        var session = session("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\nGET /metrics")
        #expect(session.nextRequest() == .metrics)
        session.answer(MetricsSession.response(200, "OK", body: "x 1\n"), isLast: true, now: now)
        #expect(session.nextRequest() == nil && !session.isOver)
        let text = String(decoding: session.output, as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n") && text.hasSuffix("\r\n\r\nx 1\n"))
        #expect(text.contains("\r\nContent-Length: 4\r\n") && text.contains("\r\nConnection: close\r\n"))
        session.sent(text.utf8.count, now: now)
        #expect(session.isOver)
    }

    @Test func aSlowRequestIsNotWaitedFor() {
        let session = session("GET /")
        #expect(session.deadline == now + MetricsSession.requestPatience)
        var gone = session
        gone.inputEnded(now: now)
        #expect(gone.isOver)
    }
}

@Suite struct MetricsTextTests {
    private let lines = MetricsText.text(InspectionFixture.inspection()).split(
        separator: "\n", omittingEmptySubsequences: false)

    @Test func everySampleFollowsItsHelpAndType() {
        #expect(lines.last == "", "the text ends with a newline")
        var family = ""
        for line in lines.dropLast() {
            if line.hasPrefix("# HELP ") {
                family = String(line.split(separator: " ")[2])
            } else if line.hasPrefix("# TYPE ") {
                #expect(line.split(separator: " ")[2] == family)
            } else {
                #expect(line.hasPrefix(family), "\(line)")
                #expect(
                    line.split(separator: " ").count == 2 && Double(line.split(separator: " ")[1]) != nil, "\(line)")
            }
        }
        #expect(Set(lines).count == lines.count, "no sample is there twice")
    }

    @Test func everyStageAndProcessIsLabelled() {
        for stage in ["received", "wasted", "hashed", "written", "sent"] {
            #expect(lines.contains { $0.hasPrefix("swarmkeeper_stage_bytes_total{stage=\"\(stage)\"} ") })
        }
        #expect(lines.contains(#"swarmkeeper_worker_up{role="peer",ordinal="0"} 1"#))
        #expect(lines.contains(#"swarmkeeper_worker_up{role="writer",ordinal="0"} 0"#))
        #expect(lines.contains(#"swarmkeeper_torrent_peers{torrent="t0"} 12"#))
        #expect(lines.contains(#"swarmkeeper_worker_slow_handlers_total{role="peer",ordinal="0",handler="orders"} 2"#))
        #expect(!lines.contains { $0.contains("a name") || $0.contains("192.0.2.1") })
    }

    @Test func histogramsCountUpToInfinity() {
        let buckets = lines.filter {
            $0.hasPrefix(#"swarmkeeper_worker_loop_turn_seconds_bucket{role="peer",ordinal="0""#)
        }
        let counts = buckets.compactMap { Int($0.split(separator: " ")[1]) }
        #expect(counts == counts.sorted() && counts.first == 0 && counts.last == 2)
        #expect(buckets.last?.contains(#"le="+Inf""#) == true)
        #expect(lines.contains(#"swarmkeeper_worker_loop_turn_seconds_count{role="peer",ordinal="0"} 2"#))
        #expect(lines.contains(#"swarmkeeper_worker_loop_turn_seconds_sum{role="peer",ordinal="0"} 0.0401"#))
    }
}
