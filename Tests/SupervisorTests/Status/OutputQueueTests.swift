import BitTorrent
import TestSupport
import Testing

@testable import Supervisor

struct OutputQueueTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func linesComeInTheirOrder() {
        var queue = OutputQueue(limit: 100)
        queue.add(bytes("a"), .ordinary)
        queue.add(bytes("b"), .progress)
        queue.add(bytes("c"), .ordinary)
        #expect(queue.take(most: 100) == .init(bytes: bytes("abc")))
        #expect(queue.isEmpty)
    }

    @Test func aBatchHoldsWholeLines() {
        var queue = OutputQueue(limit: 100)
        for line in ["aaa", "bbb", "ccc"] { queue.add(bytes(line), .ordinary) }
        #expect(queue.take(most: 5) == .init(bytes: bytes("aaa")))
        #expect(queue.take(most: 6) == .init(bytes: bytes("bbbccc")))
        queue.add(bytes("longer than asked for"), .ordinary)
        #expect(queue.take(most: 1) == .init(bytes: bytes("longer than asked for")))
    }

    @Test func progressMakesRoomFirst() {
        var queue = OutputQueue(limit: 6)
        queue.add(bytes("aa"), .progress)
        queue.add(bytes("bb"), .ordinary)
        queue.add(bytes("cc"), .progress)
        queue.add(bytes("dd"), .ordinary)
        #expect(queue.take(most: 100) == .init(bytes: bytes("bbdd")), "and nobody misses progress")
    }

    @Test func whatDoesNotFitIsCounted() {
        var queue = OutputQueue(limit: 4)
        queue.add(bytes("aaaa"), .ordinary)
        queue.add(bytes("b"), .ordinary)
        queue.add(bytes("c"), .progress)
        queue.add(bytes("d"), .ordinary)
        #expect(queue.take(most: 100) == .init(bytes: bytes("aaaa"), droppedCount: 2))
        #expect(queue.take(most: 100) == .init())
    }

    @Test func dropsAreToldBehindWhatWasKept() {
        var queue = OutputQueue(limit: 4)
        queue.add(bytes("aa"), .ordinary)
        queue.add(bytes("bb"), .ordinary)
        queue.add(bytes("cc"), .ordinary)
        #expect(queue.take(most: 2).droppedCount == 0)
        queue.add(bytes("dd"), .ordinary)
        #expect(queue.take(most: 100) == .init(bytes: bytes("bbdd"), droppedCount: 1))
    }

    @Test func randomTrafficKeepsTheBooks() {
        var generator = SeededGenerator.printing()
        var queue = OutputQueue(limit: 64)
        var kept = 0, dropped = 0, taken = 0, told = 0
        for _ in 0..<20_000 {
            if Int.random(in: 0..<3, using: &generator) > 0 {
                let line = [UInt8](repeating: 1, count: Int.random(in: 1...40, using: &generator))
                let fits = queue.byteCount + line.count <= 64
                queue.add(line, .ordinary)
                if fits { kept += line.count } else { dropped += 1 }
            } else {
                let batch = queue.take(most: Int.random(in: 1...80, using: &generator))
                taken += batch.bytes.count
                told += batch.droppedCount
            }
            #expect(queue.byteCount == kept - taken)
            #expect(queue.byteCount <= 64)
        }
        while !queue.isEmpty {
            let batch = queue.take(most: 64)
            taken += batch.bytes.count
            told += batch.droppedCount
        }
        #expect(taken == kept)
        #expect(told == dropped)
    }
}
