import BitTorrent

/// A growing set of assignments. They are counted up from 1, so that a bit for each is small even when a run has had
/// millions.
struct AssignmentSet {
    /// By assignment / 64.
    private var words: [UInt64: UInt64] = [:]

    func contains(_ assignment: AssignmentID) -> Bool {
        words[assignment / 64, default: 0] >> (assignment % 64) & 1 == 1
    }

    mutating func insert(_ assignment: AssignmentID) { words[assignment / 64, default: 0] |= 1 << (assignment % 64) }
}
