/// Which remembered address is dropped when a better one wants its place.
extension KnownPeers {
    /// So many go at once, so that a flood of new addresses is not sorted through for each.
    private var evictionBatch: Int { max(1, limits.known / 20) }

    /// - Returns: false when nothing that is remembered is worse than the newcomer. Equals stay, so that a list of garbage
    ///   cannot wash out what is there.
    mutating func makeRoom(forBadness badness: Int, isHearsay: Bool = false) -> Bool {
        if let worst = worstBadness, worst <= badness { return false }
        // What strangers say takes no place from what a tracker said, unless that has failed for good.
        let worse = peers.filter {
            $0.value.canMakeRoom && $0.value.badness > badness
                && (!isHearsay || $0.value.origin.isHearsay || $0.value.givenUpAt != nil)
        }
        .sorted { ($0.value.badness, $0.value.sequence) > ($1.value.badness, $1.value.sequence) }
        for (address, _) in worse.prefix(evictionBatch) { forget(address) }
        if worse.count <= evictionBatch, !isHearsay { worstBadness = badness }
        return !worse.isEmpty
    }

    /// Whether one more address may be remembered that `source` names: if not, one of its own that has failed goes.
    mutating func makeRoom(in source: PeerAddress) -> Bool {
        guard let named = named[source], named.count >= limits.knownPerSource else { return true }
        let failed = named.filter { peers[$0]!.contact == .idle && peers[$0]!.failureCount > 0 }
            .max { (peers[$0]!.badness, peers[$1]!.sequence) < (peers[$1]!.badness, peers[$0]!.sequence) }
        guard let failed else { return false }
        forget(failed)
        return true
    }
}
