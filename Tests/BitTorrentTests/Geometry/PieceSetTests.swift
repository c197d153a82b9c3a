import BitTorrent
import Testing

struct PieceSetTests {
    private func members(_ set: PieceSet) -> [Int] {
        var members: [Int] = []
        set.forEach { members.append($0.value) }
        return members
    }

    @Test func membersAreInsertedAndRemovedOnce() {
        var set = PieceSet(pieceCount: 130)
        #expect(set.isEmpty && !set.isFull)
        let areNew = [0, 63, 64, 129, 64].map { set.insert(PieceIndex($0)) }
        #expect(areNew == [true, true, true, true, false])
        #expect(members(set) == [0, 63, 64, 129])
        #expect(set.count == 4)
        let wereMembers = [63, 63].map { set.remove(PieceIndex($0)) }
        #expect(wereMembers == [true, false])
        #expect(!set.contains(PieceIndex(63)) && set.contains(PieceIndex(64)))
        #expect(set.count == 3)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 65, 127, 128, 1000])
    func fullSetHoldsEveryPieceAndNoSpareBit(pieceCount: Int) {
        let set = PieceSet.full(pieceCount: pieceCount)
        #expect(set.isFull)
        #expect(members(set) == Array(0..<pieceCount))
        #expect(PieceSet(wireBytes: set.wireBytes, pieceCount: pieceCount) == set)
    }

    @Test func membersOfARangeAreCounted() {
        var set = PieceSet(pieceCount: 200)
        for index in [0, 1, 63, 64, 65, 127, 128, 191, 192, 199] { set.insert(PieceIndex(index)) }
        for low in 0...200 {
            for high in low...200 {
                #expect(set.count(in: low..<high) == members(set).count { $0 >= low && $0 < high }, "\(low) \(high)")
            }
        }
    }

    @Test func bitfieldCountsFromTheHighBit() throws {
        let set = try #require(PieceSet(wireBytes: [0b1000_0001, 0b0100_0000], pieceCount: 10))
        #expect(members(set) == [0, 7, 9])
        #expect(set.wireBytes == [0b1000_0001, 0b0100_0000])
    }

    @Test func bitfieldWithSpareBitsSetIsRejected() {
        for spare in 0..<6 { #expect(PieceSet(wireBytes: [0, 1 << UInt8(spare)], pieceCount: 10) == nil) }
        #expect(PieceSet(wireBytes: [0, 1 << 6], pieceCount: 10) != nil)
    }

    @Test(arguments: [0, 1, 3, 100]) func bitfieldOfAnotherLengthIsRejected(byteCount: Int) {
        #expect(PieceSet(wireBytes: [UInt8](repeating: 0, count: byteCount), pieceCount: 10) == nil)
    }

    @Test func randomSetsFollowAModelSet() {
        let seed = UInt64.random(in: 0 ... .max)
        print("piece set: seed \(seed)")
        var generator = FuzzGenerator(seed: seed)
        for _ in 0..<50 {
            let pieceCount = Int.random(in: 1..<300, using: &generator)
            func random(_ generator: inout FuzzGenerator) -> (PieceSet, Set<Int>) {
                var set = PieceSet(pieceCount: pieceCount)
                var model: Set<Int> = []
                for _ in 0..<Int.random(in: 0..<200, using: &generator) {
                    let piece = Int.random(in: 0..<pieceCount, using: &generator)
                    let isInsertion = Bool.random(using: &generator)
                    let changed = isInsertion ? set.insert(PieceIndex(piece)) : set.remove(PieceIndex(piece))
                    let expected = isInsertion ? model.insert(piece).inserted : model.remove(piece) != nil
                    #expect(changed == expected, "seed \(seed)")
                }
                return (set, model)
            }
            let (first, firstModel) = random(&generator), (second, secondModel) = random(&generator)
            var union = first, intersection = first, difference = first
            union.formUnion(second)
            intersection.formIntersection(second)
            difference.subtract(second)
            #expect(members(union) == firstModel.union(secondModel).sorted(), "seed \(seed)")
            #expect(members(intersection) == firstModel.intersection(secondModel).sorted(), "seed \(seed)")
            #expect(members(difference) == firstModel.subtracting(secondModel).sorted(), "seed \(seed)")
            #expect(union.count == firstModel.union(secondModel).count, "seed \(seed)")
            #expect(first.hasMember(notIn: second) == !difference.isEmpty, "seed \(seed)")
            #expect(PieceSet(wireBytes: first.wireBytes, pieceCount: pieceCount) == first, "seed \(seed)")
            let start = Int.random(in: 0..<pieceCount, using: &generator)
            #expect(
                first.first(from: PieceIndex(start))?.value == firstModel.filter { $0 >= start }.min(), "seed \(seed)")
            #expect(first.first(from: PieceIndex(pieceCount)) == nil, "seed \(seed)")
        }
    }
}
