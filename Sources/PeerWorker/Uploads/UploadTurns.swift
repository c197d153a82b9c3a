/// Owns the order in which peers are served: each that has requests and room on its line gets a turn of a few blocks, then
/// goes behind the others.
struct UploadTurns {
    /// Peers, first come, first served; those before `first` have had their turn.
    private var waiting: [UInt32] = []
    private var first = 0
    private var members: Set<UInt32> = []

    var isEmpty: Bool { members.isEmpty }

    /// Does nothing for a peer that waits already.
    mutating func add(_ peer: UInt32) {
        if members.insert(peer).inserted { waiting.append(peer) }
    }

    /// The peer may have left since it was added.
    mutating func next() -> UInt32? {
        guard first < waiting.count else { return nil }
        let peer = waiting[first]
        first += 1
        if first == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            first = 0
        } else if first >= 1024 {
            waiting.removeFirst(first)
            first = 0
        }
        members.remove(peer)
        return peer
    }
}
