import Testing

@Suite struct RandomPoolTests {
    @Test(arguments: 0..<40)
    func everyPieceIsWrittenRightWhoeverDiesAndWhoeverLies(round: Int) {
        let seed = UInt64.random(in: 0 ... .max)
        let pool = RandomPool(seed: seed)
        pool.run(maximumSteps: 400_000)
        #expect(pool.fault == nil, "seed \(seed)")
        #expect(pool.writtenCount > 0, "seed \(seed)")
    }
}
