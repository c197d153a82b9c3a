import Testing

@testable import Supervisor

@Suite struct ControlCommandLineTests {
    private let line = ParsedCommandLine()

    private func control(_ words: String...) throws -> ControlInvocation {
        guard case .control(let invocation) = try line.parse(words) else { throw Failure() }
        return invocation
    }
    private struct Failure: Error {}

    @Test func wordsBecomeALineOfTheProtocol() throws {
        #expect(
            try control("ps") == ControlInvocation(line: "ps", socket: nil, isJSON: false, watches: false))
        #expect(
            try control("stats", "--watch", "--json", "--socket", "/x")
                == ControlInvocation(line: "stats", socket: "/x", isJSON: true, watches: true))
        #expect(try control("where", "t1/peer:3").line == "where t1/peer:3")
        #expect(try control("cancel", "piece:3").line == "cancel piece:3")
        #expect(try control("signal", "STOP", "p0").line == "signal STOP p0")
    }

    @Test(arguments: [
        ["where"], ["where", "p0", "p1"], ["cancel"], ["signal", "TERM"], ["ps", "p0"], ["ps", "--nonsense"],
        ["cancel", "p0", "--watch"], ["where", ""], ["where", "a b"], ["where", "json"], ["where", "a\nquit"],
        ["where", "é"], ["ps", "--socket", ""],
    ])
    func whatIsNoCommandIsABadOption(words: [String]) {
        let error = #expect(throws: UserError.self) { try line.parse(words) }
        #expect(error?.code == .badOption)
        #expect(error?.description.contains("\n") == false)
    }

    @Test func aRunMayBeLookedIntoUnlessTheUserSaysOtherwise() throws {
        #expect(try line.download("a").control == ControlOptions())
        let options = try line.download("a", "--control-socket", "/x", "--metrics-listen", "9100").control
        #expect(options == ControlOptions(socket: "/x", hasSocket: true, metrics: MetricsAddress("127.0.0.1:9100")))
        #expect(try !line.download("a", "--no-control").control.hasSocket)
    }

    @Test func metricsAreServedWhereTheUserSays() {
        #expect(MetricsAddress("9100")?.description == "127.0.0.1:9100")
        #expect(MetricsAddress("[::1]:9100")?.isLoopback == true)
        #expect(MetricsAddress("0.0.0.0:9100")?.isLoopback == false)
        for bad in ["", ":", "x", "0", "70000", "localhost:1", "1.2.3.4", "1.2.3.4:0", "::1:9100", "-1"] {
            #expect(MetricsAddress(bad) == nil, "\(bad)")
        }
    }
}
