/// Owns who comes first when there are fewer blocks than the peer-workers could take: whoever has waited longest since it
/// was granted some. By any fixed order the first would take all that memory has room for, and the last ones' peers would
/// never be asked.
struct GrantTurns {
    /// When each was granted something last, by a count of all grants.
    private var latest: [Int: UInt64] = [:]
    private var grantCount: UInt64 = 0

    mutating func granted(to worker: Int) {
        grantCount += 1
        latest[worker] = grantCount
    }

    /// Its successor has never been granted anything.
    mutating func left(_ worker: Int) { latest[worker] = nil }

    /// - Parameter last: comes after all others, whenever it was its turn.
    func ordered(_ workers: some Sequence<Int>, last: Int?) -> [Int] {
        func rank(_ worker: Int) -> (Int, UInt64, Int) { (worker == last ? 1 : 0, latest[worker] ?? 0, worker) }
        return workers.sorted { rank($0) < rank($1) }
    }
}
