import BitTorrent
import Testing

/// States that read in step come to the same as each alone.
@Suite struct SHA1LanesTests {
    @Test(arguments: 1...16) func lanesComeToTheSameAsStatesAlone(count: Int) {
        var random = SeededBytes()
        let memory = random.bytes(16 * 700)
        var lanes = SHA1Lanes()
        // The same lanes again and again, as a hash-worker uses them: nothing of an earlier round may stay behind.
        for blockCount in [1, 0, 3, 10] {
            var alone: [SHA1State] = []
            memory.withUnsafeBytes { memory in
                lanes.removeAll()
                for lane in 0..<count {
                    var state = SHA1State()
                    let head = Int.random(in: 0..<64, using: &random)
                    state.compress(UnsafeRawBufferPointer(rebasing: memory[head..<(head + 64 * (lane % 3))]))
                    let start = lane * 700 + Int.random(in: 0..<60, using: &random)
                    #expect(lanes.append(state, at: memory.baseAddress! + start) == lane)
                    state.compress(UnsafeRawBufferPointer(rebasing: memory[start..<(start + 64 * blockCount)]))
                    alone.append(state)
                }
                lanes.advance(blockCount: blockCount)
            }
            #expect((0..<count).map { lanes[$0] } == alone, "\(blockCount) blocks, seed \(random.seed)")
        }
    }

    @Test func aSecondStepGoesOnWhereTheFirstEnded() {
        var random = SeededBytes()
        let messages = (0..<16).map { _ in random.bytes(64 * 9 + 20) }
        var digests: [Digest] = []
        // One allocation, so that the positions stay put while the lanes hold them.
        messages.flatMap { $0 }.withUnsafeBytes { memory in
            let stride = messages[0].count
            var lanes = SHA1Lanes()
            for lane in 0..<16 { lanes.append(SHA1State(), at: memory.baseAddress! + lane * stride) }
            lanes.advance(blockCount: 2)
            lanes.advance(blockCount: 7)
            digests = (0..<16).map { lane in
                let tail = UnsafeRawBufferPointer(rebasing: memory[(lane * stride + 64 * 9)..<((lane + 1) * stride)])
                return lanes[lane].digest(tail: tail, messageByteCount: UInt64(stride))
            }
        }
        #expect(digests == messages.map { SHA1.hash(of: $0) }, "seed \(random.seed)")
    }

    @Test func lanesFillUpToSixteen() {
        let block = [UInt8](repeating: 0, count: 64)
        block.withUnsafeBytes { block in
            var lanes = SHA1Lanes()
            #expect(lanes.count == 0)
            for _ in 0..<16 {
                #expect(!lanes.isFull)
                lanes.append(SHA1State(), at: block.baseAddress!)
            }
            #expect(lanes.isFull)
            lanes.removeAll()
            #expect(lanes.count == 0)
            lanes.advance(blockCount: 1)
        }
    }
}
