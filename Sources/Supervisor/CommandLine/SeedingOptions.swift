/// What the user wants to give to others, and how much of the line may be used.
struct SeedingOptions: Equatable {
    /// Go on when complete until this is met; nil: end when complete.
    var goal: SeedGoal?
    /// Peers of a torrent that may request at a time; nil: as many as the upload rate can serve well.
    var uploadSlots: Int?
    /// For the shell, once a torrent is complete.
    var onComplete: String?
    /// Bytes a second of the whole run; nil: no limit.
    var downloadLimit: UInt64?
    var uploadLimit: UInt64?
}

extension OptionReader {
    /// `--seed-ratio` and `--seed-time` ask for seeding by themselves.
    func seeding() throws(UserError) -> SeedingOptions {
        let goal = SeedGoal(ratio: try ratio(.seedRatio), time: try minutes(.seedTime))
        let seeds = try isOn(.seed) || goal != SeedGoal()
        return SeedingOptions(
            goal: seeds ? goal : nil, uploadSlots: try integer(.uploadSlots, in: 1...10_000),
            onComplete: try text(.onComplete), downloadLimit: try rate(.downloadLimit),
            uploadLimit: try rate(.uploadLimit))
    }

    /// 0 is no limit, as everywhere.
    private func rate(_ name: OptionName) throws(UserError) -> UInt64? {
        guard let limit = try byteCount(name, atLeast: 0), limit > 0 else { return nil }
        guard limit >= Self.leastRate else {
            throw last(name)!.refusal(
                "is too little", because: "at least \(Self.leastRate) bytes a second, or 0 for none")
        }
        return UInt64(limit)
    }

    /// With less a block takes so long that peers give up.
    private static let leastRate = 1024

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
