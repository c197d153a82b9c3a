import BitTorrent

/// Owns what is known of the writer: which generation counts, and whether it can be sent to.
struct WriterLink {
    private(set) var generation: UInt32 = 0
    private(set) var isThere = false
    /// Orders to hand over unfinished pieces that wait for a writer.
    var waitingPartials: [[AssignmentID]] = []

    /// It can be sent to from now on.
    /// - Returns: whether it is another one than the last: what that one was told is void.
    mutating func joined(generation: UInt32) -> Bool {
        let isNew = replaced(generation: generation)
        isThere = true
        return isNew
    }

    /// The supervisor said that this generation takes the place; its greeting may have come before.
    /// - Returns: as above.
    mutating func replaced(generation: UInt32) -> Bool {
        guard generation != self.generation else { return false }
        let hadOne = self.generation != 0
        self.generation = generation
        isThere = false
        return hadOne
    }

    mutating func gaveUp() { isThere = false }
}
