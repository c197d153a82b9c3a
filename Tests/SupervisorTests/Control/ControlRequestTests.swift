import PoolProtocol
import Testing

@testable import Supervisor

@Suite struct ControlRequestTests {
    private func parse(_ line: String, torrents: Int = 1) throws(ControlFault) -> ControlRequest? {
        try ControlRequest.parse(Array(line.utf8), torrentCount: torrents)
    }

    @Test(arguments: [
        ("ps", ControlRequest.Command.ps), ("  stats\t", .stats), ("about\r", .about), ("help", .help), ("quit", .quit),
        ("where s", .whereIs(.supervisor)), ("where w", .whereIs(.process(Place(.writer, 0)))),
        ("where h12", .whereIs(.process(Place(.hashWorker, 12)))), ("cancel t3", .cancel(.torrent(3))),
        ("cancel peer:7", .cancel(.peer(torrent: 0, .outgoing(7)))),
        ("cancel t2/piece:17", .cancel(.piece(torrent: 2, index: 17))),
        ("signal SIGTERM p0", .signal(name: "TERM", .process(Place(.peerWorker, 0)))),
        ("signal stop h1", .signal(name: "STOP", .process(Place(.hashWorker, 1)))),
    ])
    func aLineIsACommand(line: String, command: ControlRequest.Command) throws {
        #expect(try parse(line) == ControlRequest(command: command, isJSON: false))
    }

    @Test(arguments: ["json ps", "ps json", "ps --json", "--json ps json"])
    func aWordMakesTheAnswerJSON(line: String) throws {
        #expect(try parse(line) == ControlRequest(command: .ps, isJSON: true))
    }

    @Test(arguments: ["", "   ", "\t", "\r"]) func aLineWithoutAWordWantsNothing(line: String) throws {
        #expect(try parse(line) == nil)
    }

    @Test(arguments: [
        "p", "s0", "s1", "p-1", "p65536", "p99999999999", "x0", "peer", "peer:", "peer:-1", "peer:65536", "peer:p0.1",
        "peer:h0.1.2", "peer:p0.1.2.3", "peer:p0.-1.2", "t/peer:1", "t0/p1",
        "t0/t0", "t0/", "piece:1x", "pieces:1", "t65536",
    ])
    func whatNamesNothingIsRefusedWithExamples(name: String) {
        #expect(throws: ControlFault.noName(name)) { try parse("where \(name)") }
        #expect("\(ControlFault.noName(name))".contains("such as"))
    }

    @Test func ofSeveralTorrentsOneHasToBeNamed() throws {
        #expect(throws: ControlFault.whichTorrent("peer:1")) { try parse("where peer:1", torrents: 2) }
        #expect(try parse("where t1/peer:1", torrents: 2)?.command == .whereIs(.peer(torrent: 1, .outgoing(1))))
        #expect(try parse("where t0/peer:1", torrents: 1)?.command == .whereIs(.peer(torrent: 0, .outgoing(1))))
    }

    @Test(arguments: [
        ThingName.supervisor, .process(Place(.writer, 0)), .process(Place(.peerWorker, 255)), .torrent(999),
        .peer(torrent: 3, .outgoing(65_535)), .peer(torrent: 0, .incoming(worker: 12, generation: 3, number: 70_000)),
        .tracker(torrent: 0, number: 0), .piece(torrent: 3, index: 1_000_000),
    ])
    func aNameIsReadAsItIsWritten(name: ThingName) throws {
        #expect(try ThingName(name.text(torrentCount: 1000), torrentCount: 1000) == name)
    }

    @Test func unknownWordsAndWrongNumbersOfThemAreErrors() {
        #expect(throws: ControlFault.unknownCommand("PS")) { try parse("PS") }
        #expect(throws: ControlFault.unknownCommand("json")) { try parse("json") }
        #expect(throws: ControlFault.usage("ps")) { try parse("ps p0") }
        #expect(throws: ControlFault.usage("where ID")) { try parse("where") }
        #expect(throws: ControlFault.usage("cancel ID")) { try parse("cancel p0 p1") }
        #expect(throws: ControlFault.usage("signal NAME ID")) { try parse("signal p0") }
    }

    @Test(
        arguments: [[0], [0xFF, 0xFE], [0x1B, 0x5B, 0x32, 0x4A], Array("ps\u{7F}".utf8), [0xC0, 0xAE]] as [[UInt8]])
    func whatIsNoTextIsMalformed(line: [UInt8]) {
        #expect(throws: ControlFault.malformed) { try ControlRequest.parse(line, torrentCount: 1) }
    }

    @Test func aLongWordIsRepeatedInPart() throws {
        let word = String(repeating: "x", count: 1000)
        do {
            _ = try parse(word)
            Issue.record("it was understood")
        } catch { #expect("\(error)".utf8.count < 120) }
    }

    @Test func everyLineOfRandomBytesIsAnsweredOrAnError() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let words = ["ps", "where", "cancel", "signal", "json", "p0", "peer:1", "\u{0}", "é", "t0/", ":"]
            var line: [UInt8] = []
            for _ in 0..<Int.random(in: 0...5, using: &generator) {
                line += (words.randomElement(using: &generator)! + " ").utf8
                if Bool.random(using: &generator) { line.append(UInt8.random(in: 0...255, using: &generator)) }
            }
            _ = try? ControlRequest.parse(line, torrentCount: 2)
        }
    }

    @Test func errorsAreOneLineInBothForms() {
        let text = String(decoding: ControlAnswer.bytes(.unknown("p9"), isJSON: false), as: UTF8.self)
        #expect(text == "error: p9: there is none\n")
        let json = String(decoding: ControlAnswer.bytes(.unknown("p9"), isJSON: true), as: UTF8.self)
        #expect(json == #"{"v":1,"error":"p9: there is none"}"# + "\n")
        let answer = ControlAnswer(lines: ["one", "two"], json: .object([.init("v", .integer(1))]))
        #expect(String(decoding: answer.bytes(isJSON: false), as: UTF8.self) == "one\ntwo\nok\n")
        #expect(String(decoding: answer.bytes(isJSON: true), as: UTF8.self) == #"{"v":1}"# + "\n")
    }
}
