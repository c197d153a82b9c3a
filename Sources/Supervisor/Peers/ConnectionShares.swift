/// Says how the connections that a run may have are shared between its torrents: equally, and what one has no peers for
/// is the others'.
enum ConnectionShares {
    /// - Parameters:
    ///   - wishes: of each torrent, the connections that it has or could make.
    ///   - limit: of all of them together.
    /// - Returns: of each torrent, how many it may have: at least one, so that none is cut off where there are more torrents
    ///   than connections. What is left over is offered to all, until the next look.
    static func shares(of wishes: [Int], limit: Int) -> [Int] {
        var shares = [Int](repeating: 0, count: wishes.count)
        var left = limit
        // The modest first: what they leave is shared between the others.
        let order = wishes.indices.sorted { (wishes[$0], $0) < (wishes[$1], $1) }
        for (position, torrent) in order.enumerated() {
            shares[torrent] = min(wishes[torrent], left / (wishes.count - position))
            left -= shares[torrent]
        }
        return shares.map { max(1, $0 + left) }
    }
}
