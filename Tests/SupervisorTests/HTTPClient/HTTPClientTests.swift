import Glibc
import Testing

@testable import Supervisor

struct HTTPClientTests {
    @Test func bodyAndStatusAreHandedOverAndTheRequestIsPlain() throws {
        let server = try ScriptedHTTPServer { $0.answer(Array("d8:intervali60ee".utf8), status: "203 Fine") }
        let talk = try HTTPClientConversation()
        let response = try talk.get(server.url("/announce?info_hash=%00%FF")).get()
        #expect(response == HTTPResponse(status: 203, body: Array("d8:intervali60ee".utf8)))
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("GET /announce?info_hash=%00%FF HTTP/1.1\r\n"))
        #expect(request.contains("\r\nUser-Agent: Swarmkeeper/"))
        #expect(request.contains("\r\nAccept-Encoding: gzip\r\n"))
    }

    @Test func errorStatusKeepsItsBody() throws {
        let server = try ScriptedHTTPServer { $0.answer(Array("no".utf8), status: "400 Bad") }
        let talk = try HTTPClientConversation()
        #expect(try talk.get(server.url()).get() == HTTPResponse(status: 400, body: Array("no".utf8)))
    }

    @Test func manyRequestsRunAtOnceAndEachHasOneResult() throws {
        let server = try ScriptedHTTPServer { $0.answer($0.request.split(separator: " ")[1].description) }
        let talk = try HTTPClientConversation()
        var expected: [UInt64: String] = [:]
        for number in 0..<40 { expected[talk.send(server.url("/\(number)/announce"))] = "/\(number)/announce" }
        var received: [UInt64: String] = [:]
        while received.count < 40 {
            let results = talk.results()
            try #require(!results.isEmpty)
            for result in results {
                #expect(received[result.id] == nil)
                received[result.id] = String(decoding: try result.outcome.get().body, as: UTF8.self)
            }
        }
        #expect(received == expected)
    }

    @Test func queueIsBoundedAndHasRoomAgainAfterResultsAndCancellations() throws {
        let server = try ScriptedHTTPServer { visit in
            if visit.request.contains("slow") { _ = visit.clientStays() }
            visit.answer("x")
        }
        let talk = try HTTPClientConversation { $0.outstandingLimit = 2 }
        let slow = talk.send(server.url("/slow/announce"))
        _ = talk.send(server.url())
        #expect(!talk.client.send(HTTPRequest(id: 99, url: server.url())))
        #expect(talk.results().count == 1)
        _ = talk.send(server.url())
        #expect(talk.results().count == 1)
        talk.client.cancel(slow)
        // Counts until the client's thread has heard of it, which it has when a later request is answered.
        var isTaken = talk.client.send(HTTPRequest(id: 100, url: server.url()))
        #expect(isTaken)
        #expect(talk.results().map(\.id) == [100])
        isTaken = talk.client.send(HTTPRequest(id: 101, url: server.url("/slow/announce")))
        #expect(isTaken)
        isTaken = talk.client.send(HTTPRequest(id: 102, url: server.url()))
        #expect(isTaken)
        #expect(talk.results().map(\.id) == [102])
    }

    @Test func cancelledRequestHasNoResultAndItsConnectionEnds() throws {
        let server = try ScriptedHTTPServer { visit in
            if visit.request.contains("slow") { _ = visit.clientStays() }
            visit.answer("x")
        }
        let talk = try HTTPClientConversation()
        let slow = talk.send(server.url("/slow/announce"))
        let quick = talk.send(server.url())
        #expect(talk.results().map(\.id) == [quick])
        talk.client.cancel(slow)
        talk.client.cancel(slow)
        talk.client.cancel(12345)
        let later = talk.send(server.url())
        #expect(talk.results().map(\.id) == [later])
    }

    @Test func resultThatWaitsIsGoneAfterItsCancellation() throws {
        let server = try ScriptedHTTPServer { $0.answer("x") }
        let talk = try HTTPClientConversation()
        let id = talk.send(server.url())
        var item = pollfd(fd: talk.client.resultDescriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&item, 1, 30_000) == 1)
        talk.client.cancel(id)
        #expect(talk.client.takeResults() == [])
    }

    @Test func shutDownEndsAtOnceWithRequestsUnderWay() throws {
        let server = try ScriptedHTTPServer { _ = $0.clientStays() }
        let talk = try HTTPClientConversation()
        for _ in 0..<5 { _ = talk.send(server.url()) }
        let clock = ContinuousClock()
        let took = clock.measure { talk.client.shutDown() }
        #expect(took < .seconds(2))
        #expect(!talk.client.send(HTTPRequest(id: 6, url: server.url())))
        #expect(talk.client.takeResults() == [])
        talk.client.shutDown()
    }

    @Test func requestComesFromTheBoundAddress() throws {
        let server = try ScriptedHTTPServer { $0.answer("x") }
        let talk = try HTTPClientConversation { $0.bindAddress = "127.0.0.9" }
        #expect(try talk.get(server.url()).get().status == 200)
        let failing = try HTTPClientConversation { $0.bindAddress = "192.0.2.77" }
        #expect(try failing.failure(server.url()) != nil)
    }
}
