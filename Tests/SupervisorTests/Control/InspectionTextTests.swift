import BitTorrent
import PoolProtocol
import Testing

@testable import Supervisor

@Suite struct InspectionTextTests {
    private let text = InspectionText(inspection: InspectionFixture.inspection())

    /// Scripts cut these columns out: docs/operations.md.
    @Test func psHasTheDocumentedColumns() {
        let titles = text.ps.filter { $0.hasPrefix("ID ") }.map { $0.split(separator: " ").map(String.init) }
        #expect(
            titles == [
                [
                    "ID", "ROLE", "GEN", "PID", "STATE", "TURNS", "CPU", "RSS", "QUEUE", "RATE", "RESTARTS", "BEAT",
                    "LOOP", "HELD", "ROOM", "SLOW", "SANDBOX",
                ],
                ["ID", "STATE", "AGE", "DONE", "PIECES", "DOWN", "UP", "PEERS", "ETA", "HASH", "NAME"],
                [
                    "ID", "WORKER", "STATE", "AGE", "DEADLINE", "DOWN", "UP", "GOT", "GAVE", "REQUESTS", "FLAGS",
                    "ADDRESS", "CLIENT",
                ],
                ["ID", "STATE", "AGE", "DEADLINE", "FAILURES", "URL", "LAST"],
                [
                    "ID", "STATE", "AT", "AGE", "BLOCKS", "UNGRANTED", "ASSIGNMENT", "WORKERS", "DEADLINE", "RATE",
                    "HERE",
                ],
            ])
    }

    @Test func everyRowHasACellForEveryColumn() {
        #expect(
            text.processes == [
                "ID  ROLE        GEN  PID  STATE    TURNS   CPU    RSS  QUEUE  RATE  RESTARTS  BEAT  LOOP     HELD  ROOM  SLOW  SANDBOX",
                "s   supervisor    1  100  running      7  0.0s      0      0     0         0     -  waiting     -     -     0  -",
                "p0  peer          2  101  working  12345  1.2s  20.0M      3  1.5M         1  0.2s  orders      5    64     3  full",
                "w   writer        4    -  vacant       0  0.0s      0      0     0         0     -  waiting     -     -     0  -",
            ])
        #expect(
            text.ps.contains { $0.hasPrefix("peer:1  p0") && $0.contains(" iswu ") && $0.hasSuffix("some client 1.0") })
        #expect(
            text.ps.contains {
                $0.hasPrefix("piece:17  open") && $0.split(separator: " ").suffix(4) == ["p0,p1", "4.0s", "1.0M", "12"]
            })
    }

    @Test func blanksAreInTheLastColumnOnly() {
        var table = TextTable([("A", .left), ("B", .right), ("C", .left)])
        table.add(["x y", "", "two words"])
        #expect(table.lines == ["A    B  C", "x_y  -  two words"])
    }

    @Test func statsTellsStageByStageAndLoopByLoop() {
        let stats = text.stats
        for stage in ["received", "hashed", "written", "synced", "sent", "run"] {
            #expect(stats.contains { $0.hasPrefix(stage) }, "\(stage)")
        }
        #expect(stats.contains { $0.hasPrefix("hashed") && $0.contains("lanes=12.3 ") })
        #expect(stats.contains { $0.hasPrefix("received") && $0.contains("slots=5 slots_total=64") })
        #expect(stats.contains { $0.hasPrefix("received") && $0.contains("blocks_resent=9") })
        #expect(stats.contains { $0.hasPrefix("run") && $0.contains("messages=77 message_cpu=500ms") })
        let loop = stats.first { $0.hasPrefix("p0") }
        #expect(
            loop?.split(separator: " ").map(String.init) == [
                "p0", "12345", "112us", "40.0ms", "40.0ms", "orders", "0.3s", "3", "77",
            ])
    }

    @Test func jsonHasTheSameAndIsOneLine() {
        let json = InspectionJSON(inspection: InspectionFixture.inspection())
        for text in [json.ps.text, json.stats.text] {
            #expect(text.hasPrefix(#"{"v":1,"#) && !text.contains("\n"))
        }
        #expect(
            json.ps.text.contains(#""id":"p0","role":"peer","ordinal":0,"generation":2,"pid":101,"state":"working""#))
        #expect(json.ps.text.contains(#""name":"a name \"x\"""#))
        #expect(json.ps.text.contains(#""id":"w","role":"writer","ordinal":0,"generation":4,"pid":null"#))
        #expect(json.stats.text.contains(#""lanes":12.3"#))
    }

    @Test func rowsBeyondTheLimitAreCounted() {
        var inspection = InspectionFixture.inspection()
        inspection.peers = Array(repeating: inspection.peers[0], count: Inspection.mostRows + 5)
        inspection.limitRows()
        #expect(inspection.peers.count == Inspection.mostRows)
        #expect(InspectionText(inspection: inspection).ps.last == "5 more are left out")
    }

    @Test func anAccountIsFactsStackAndEvents() {
        let start = MonotonicInstant(nanoseconds: 100_000_000_000)
        let now = start + .seconds(75)
        var account = Account("p0")
        account.add("state", "working")
        account.add("waits for", "events")
        account.add("absent", nil)
        account.stack = ["spin"]
        account.events = [
            .init(time: start, text: "started"), .init(time: start + .milliseconds(73_500), text: "x"),
        ]
        #expect(
            account.lines(now: now) == [
                "p0", "  state      working", "  waits for  events", "stack", "  spin", "events",
                "  1m15s ago  started", "   1.5s ago  x",
            ])
        #expect(
            account.json(now: now).text
                == #"{"v":1,"id":"p0","facts":{"state":"working","waits for":"events"},"stack":["spin"],"events":[{"age":75.000,"text":"started"},{"age":1.500,"text":"x"}],"own_events":[]}"#
        )
    }
}

@Suite struct StageTotalsTests {
    private func hashed(_ count: UInt64) -> HashReport {
        HashReport(
            hashedByteCount: count, laneStepCount: count, laneCount: 2 * count, freeFrameCount: 0, frameCount: 0,
            duplicateBlockCount: 1)
    }

    @Test func whatADeadGenerationDidStaysInTheSum() {
        let now = MonotonicInstant(nanoseconds: 1_000_000_000)
        var totals = StageTotals(now: now)
        let place = Place(.hashWorker, 0)
        totals.reported(hashed(100), by: Incarnation(place, generation: 1), now: now)
        totals.reported(hashed(150), by: Incarnation(place, generation: 1), now: now)
        totals.reported(hashed(30), by: Incarnation(place, generation: 2), now: now)
        totals.reported(hashed(7), by: Incarnation(Place(.hashWorker, 1), generation: 1), now: now)
        let stages = totals.stages(now: now)
        #expect(stages.hashedByteCount == 187 && stages.laneCount == 374 && stages.duplicateBlockCount == 3)
        #expect(stages.meanLaneCount == 2 && stages.hashedRate > 0)
    }

    @Test func nonsenseIsAddedWithoutHarm() {
        let now = MonotonicInstant(nanoseconds: 1_000_000_000)
        var totals = StageTotals(now: now)
        for generation in 1...3 {
            totals.reported(
                hashed(.max / 2), by: Incarnation(Place(.hashWorker, 0), generation: UInt32(generation)), now: now)
        }
        _ = totals.stages(now: now)
    }
}
