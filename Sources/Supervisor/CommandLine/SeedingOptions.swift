/// What the user wants to give to others.
struct SeedingOptions: Equatable {
    /// Go on when complete until this is met; nil: end when complete.
    var goal: SeedGoal?
    /// Peers of a torrent that may request at a time; nil: as many as the upload rate can serve well.
    var uploadSlots: Int?
}

extension OptionReader {
    /// `--seed-ratio` and `--seed-time` ask for seeding by themselves.
    func seeding() throws(UserError) -> SeedingOptions {
        let goal = SeedGoal(ratio: try ratio(.seedRatio), time: try minutes(.seedTime))
        let seeds = try isOn(.seed) || goal != SeedGoal()
        return SeedingOptions(goal: seeds ? goal : nil, uploadSlots: try integer(.uploadSlots, in: 1...10_000))
    }

    private func ratio(_ name: OptionName) throws(UserError) -> Double? {
        guard let entry = last(name) else { return nil }
        guard entry.text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }),
            let ratio = Double(entry.text), ratio <= 1_000_000
        else { throw entry.refusal(isNot: "a ratio", because: "such as 2 or 1.5") }
        return ratio
    }

    /// A month of minutes and more.
    private func minutes(_ name: OptionName) throws(UserError) -> Duration? {
        try integer(name, in: 0...1_000_000).map { .seconds($0 * 60) }
    }
}
