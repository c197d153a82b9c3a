import BitTorrent
import PoolRuntime
import Testing

@testable import Supervisor

struct NameLookupsTests {
    private let poll: PollLoop
    private let lookups: NameLookups

    init() throws {
        poll = try PollLoop()
        lookups = NameLookups(poll: poll)
    }

    private final class Answers {
        var addresses: [[PeerAddress]] = []
        var failures: [String] = []
        var count: Int { addresses.count + failures.count }
        func add(_ outcome: NameLookups.Outcome) {
            switch outcome {
            case .addresses(let list): addresses.append(list)
            case .failed(let name, _): failures.append(name.host)
            }
        }
    }

    private func turn(until isDone: () -> Bool) throws {
        let end = MonotonicClock.now + .seconds(60)
        while !isDone(), MonotonicClock.now < end { try poll.turn(longestWait: 1000) }
        #expect(isDone())
    }

    private func name(_ text: String) throws -> HostAndPort { try #require(HostAndPort(text)) }

    @Test(arguments: ["192.0.2.1:7", "[2001:db8:0:0:0:0:0:1]:7"])
    func numbersNeedNoLookup(text: String) throws {
        let answers = Answers()
        lookups.resolve(try name(text), answers.add)
        #expect(answers.addresses.map { $0.map(\.description) } == [[text]])
    }

    @Test func namesLeadToAddressesWithThePort() throws {
        let answers = Answers()
        lookups.resolve(try name("localhost:7"), answers.add)
        #expect(answers.count == 0, "never from within the call")
        try turn { answers.count == 1 }
        let first = try #require(answers.addresses.first)
        #expect(!first.isEmpty && first.allSatisfy { $0.isLoopback && $0.port == 7 })
    }

    @Test func everyAskerIsAnsweredOnceHoweverMany() throws {
        let answers = Answers()
        for round in 0..<2 {
            for number in 0..<30 { lookups.resolve(try name("n\(number).invalid:\(7 + round)"), answers.add) }
            lookups.resolve(try name("localhost:7"), answers.add)
        }
        try turn { answers.count == 62 }
        #expect(answers.addresses.count == 2)
        #expect(Set(answers.failures).count == 30)
        lookups.resolve(try name("localhost:7"), answers.add)
        try turn { answers.count == 63 }
    }
}
