/// Which remembered address is dropped when a better one wants its place.
extension KnownPeers {
    /// So many go at once, so that a flood of new addresses is not sorted through for each.
    private var evictionBatch: Int { max(1, limits.known / 20) }

    /// - Returns: false when nothing that is remembered is worse than the newcomer. Equals stay, so that a list of garbage
    ///   cannot wash out what is there.
    mutating func makeRoom(forBadness badness: Int) -> Bool {
        if let worst = worstBadness, worst <= badness { return false }
        let worse = peers.filter { $0.value.canMakeRoom && $0.value.badness > badness }
            .sorted { ($0.value.badness, $0.value.sequence) > ($1.value.badness, $1.value.sequence) }
        for (address, _) in worse.prefix(evictionBatch) { forget(address) }
        if worse.count <= evictionBatch { worstBadness = badness }
        return !worse.isEmpty
    }
}
