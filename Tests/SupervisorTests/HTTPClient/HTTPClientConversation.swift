import BitTorrent
import Glibc
import PoolRuntime
import Testing

@testable import Supervisor

/// A client whose results the test waits for, with a deadline.
final class HTTPClientConversation {
    let client: HTTPClient
    private var lastID: UInt64 = 0

    /// - Parameter adjust: changes options that are strict and quick for tests and blind for the machine's proxies.
    init(_ adjust: (inout HTTPClientOptions) -> Void = { _ in }) throws {
        var options = HTTPClientOptions()
        options.deadline = .seconds(20)
        options.proxies = .none
        adjust(&options)
        client = try HTTPClient(options: options)
    }

    func send(_ url: String) -> UInt64 {
        lastID += 1
        let isTaken = client.send(HTTPRequest(id: lastID, url: url))
        #expect(isTaken)
        return lastID
    }

    /// - Returns: what came within the time; empty if nothing did.
    func results(withinMilliseconds limit: CInt = 30_000) -> [HTTPResult] {
        let deadline = MonotonicClock.now + .milliseconds(Int(limit))
        while true {
            var item = pollfd(fd: client.resultDescriptor, events: Int16(POLLIN), revents: 0)
            let rest = (deadline - MonotonicClock.now).wholeNanoseconds / 1_000_000
            let count = poll(&item, 1, CInt(clamping: max(0, rest)))
            let results = count == 1 ? client.takeResults() : []
            // A result may have been taken together with the one before it, whose wake-up then finds nothing.
            if !results.isEmpty || MonotonicClock.now >= deadline { return results }
        }
    }

    /// The outcome of one request, when no other is outstanding.
    func get(_ url: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Result<
        HTTPResponse, HTTPFailure
    > {
        let id = send(url)
        let result = try #require(results().first, "no result at all", sourceLocation: sourceLocation)
        #expect(result.id == id, sourceLocation: sourceLocation)
        return result.outcome
    }

    func failure(_ url: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> HTTPFailure? {
        switch try get(url, sourceLocation: sourceLocation) {
        case .success(let response):
            Issue.record("status \(response.status), \(response.body.count) bytes", sourceLocation: sourceLocation)
            return nil
        case .failure(let failure): return failure
        }
    }
}
