import BitTorrent
import Testing

@Suite struct BlockSetTests {
    @Test func runsAreCutAtTheirGreatestLength() {
        let set = BlockSet(blockCount: 200, [3..<5, 60..<70, 190..<200])
        #expect(set.runs() == [3..<5, 60..<70, 190..<200])
        #expect(set.runs(maximumLength: 4) == [3..<5, 60..<64, 64..<68, 68..<70, 190..<194, 194..<198, 198..<200])
        #expect(set.firstRun(maximumLength: 64) == 3..<5)
        #expect(set.lastRun(maximumLength: 64) == 190..<200)
        #expect(set.lastRun(maximumLength: 3) == 197..<200)
        #expect(set.firstRun(maximumLength: 0) == nil)
    }

    @Test func emptyAndFullSetsKnowThemselves() {
        #expect(BlockSet(blockCount: 65).isEmpty)
        #expect(BlockSet(blockCount: 65).firstRun(maximumLength: 1) == nil)
        #expect(BlockSet(blockCount: 65).lastRun(maximumLength: 1) == nil)
        #expect(BlockSet.full(blockCount: 65).isFull)
        #expect(BlockSet.full(blockCount: 65).runs() == [0..<65])
        #expect(BlockSet.full(blockCount: 64).count == 64)
    }

    @Test func bitsCountFromTheLowEnd() {
        let set = BlockSet(blockCount: 10, [0..<1, 9..<10])
        #expect(set.bits == [0b0000_0001, 0b0000_0010])
        #expect(BlockSet(bits: [0b0000_0001, 0b0000_0010], blockCount: 10) == set)
    }

    @Test func bitsOfAnotherLengthOrWithSpareBitsAreRejected() {
        #expect(BlockSet(bits: [0], blockCount: 10) == nil)
        #expect(BlockSet(bits: [0, 0, 0], blockCount: 10) == nil)
        #expect(BlockSet(bits: [0, 0b0000_0100], blockCount: 10) == nil)
        #expect(BlockSet(bits: [0, 0b0000_0011], blockCount: 10) != nil)
        #expect(BlockSet(bits: [UInt8](repeating: 255, count: 8), blockCount: 64)?.isFull == true)
    }

    @Test func setAgreesWithASetOfNumbers() {
        var random = SeedPrintingGenerator()
        for _ in 0..<300 {
            let blockCount = Int.random(in: 1...200, using: &random)
            var set = BlockSet(blockCount: blockCount), other = set
            var model: Set<UInt32> = [], otherModel: Set<UInt32> = []
            func range() -> Range<UInt32> {
                let ends = (0..<2).map { _ in UInt32.random(in: 0...UInt32(blockCount), using: &random) }.sorted()
                return ends[0]..<ends[1]
            }
            for _ in 0..<6 {
                let (added, removed, foreign) = (range(), range(), range())
                set.insert(added)
                set.remove(removed)
                other.insert(foreign)
                model.formUnion(added)
                model.subtract(removed)
                otherModel.formUnion(foreign)
            }
            func members(_ set: BlockSet) -> Set<UInt32> { Set(set.runs(maximumLength: 7).flatMap { $0 }) }
            #expect(members(set) == model)
            #expect(set.count == model.count)
            #expect(members(set.union(other)) == model.union(otherModel))
            #expect(members(set.intersection(other)) == model.intersection(otherModel))
            #expect(members(set.subtracting(other)) == model.subtracting(otherModel))
            #expect(set.isDisjoint(with: other) == model.isDisjoint(with: otherModel))
            #expect(set.lastRun(maximumLength: 64)?.upperBound == model.max().map { $0 + 1 })
            #expect(BlockSet(bits: set.bits, blockCount: blockCount) == set)
        }
    }
}
