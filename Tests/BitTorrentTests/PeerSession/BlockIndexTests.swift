import TestSupport
import Testing

@testable import BitTorrent

@Suite struct BlockIndexTests {
    @Test func aBlockIsFoundWhereItWasPutAndNotAfterItWasTaken() {
        var index = BlockIndex()
        index.insert(.at(3, 1), at: 0)
        index.insert(.at(1, 3), at: 7)
        #expect(index[.at(3, 1)] == 0 && index[.at(1, 3)] == 7 && index[.at(1, 1)] == nil)
        index.remove(.at(3, 1))
        #expect(index[.at(3, 1)] == nil && index[.at(1, 3)] == 7 && index.count == 1)
    }

    @Test func nothingIsFoundInAnEmptyOne() {
        var index = BlockIndex()
        index.remove(.at(0, 0))
        #expect(index[.at(0, 0)] == nil && index.count == 0)
    }

    /// Steps that a dictionary takes as well. Few blocks and a table that is half full, so that long runs of neighbours
    /// come about, go round its end, and lose a block in their middle.
    @Test(arguments: [UInt64.random(in: 0...UInt64.max), 1, 2, 3]) func itHoldsWhatADictionaryHolds(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var index = BlockIndex()
        var expected: [BlockAddress: Int32] = [:]
        for step in 0..<20000 {
            let most = step < 10000 ? 7 : 500
            let block = BlockAddress.at(
                Int.random(in: 0..<(step < 10000 ? 4 : 100), using: &generator),
                Int.random(in: 0..<8, using: &generator))
            if expected[block] != nil {
                index.remove(block)
                expected[block] = nil
            } else if expected.count < most {
                index.insert(block, at: Int32(step))
                expected[block] = Int32(step)
            }
            #expect(index.count == expected.count)
            #expect(index[block] == expected[block])
            if step % 100 == 0 {
                for piece in 0..<100 {
                    for number in 0..<8 {
                        #expect(index[.at(piece, number)] == expected[.at(piece, number)], "seed \(seed), step \(step)")
                    }
                }
            }
        }
    }
}
