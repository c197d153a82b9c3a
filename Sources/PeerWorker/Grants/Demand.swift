import BitTorrent

/// Owns when the supervisor hears how many more bytes this worker's peers could take, for one torrent. It keeps the
/// last figure and counts its grants against it, so it is told again only when that has become wrong by much.
struct Demand {
    /// Grants are held beyond what may be requested now for this much of the measured rate, so that requests do not
    /// wait for the supervisor; an idle one answers within a millisecond, a busy one within tens (a guess).
    static let stockAhead: Duration = .milliseconds(50)
    /// Bounds of that stock for peers that are fast together (from this rate on, in bytes per second). More would keep
    /// grants from other workers, and frames from other pieces (measured with eight workers: 16 MiB cost 12 to 19 % more CPU than
    /// 8, and 4 MiB 8 % more).
    static let fastRate = 4.0 * 1_048_576
    static let fastStock = 1 << 20...8 << 20
    /// Peers that have sent nothing yet may be fast.
    static let untestedStock = 256 << 10
    /// Slow peers: a few blocks, so that they do not keep from others what they would take long to fetch.
    static let slowStock = 64 << 10
    /// Grants for which no peer has room may pile up to this many times the stock: what was granted is not always what
    /// the idle peers have, and asking without end would not change that.
    static let mostStocks = 4

    /// What the torrent's peers can take, at one moment.
    struct Supply: Equatable {
        /// Bytes requested and requestable at all peers that take requests; 0 when there is none.
        var windowByteCount = 0
        /// Payload bytes per second of all peers.
        var bytesPerSecond = 0.0
        /// Bytes granted and not here.
        var heldByteCount = 0
        /// Those of them that nobody was asked for.
        var unassignedByteCount = 0
        /// Bytes that could be requested at once if blocks were granted that the idle peers have.
        var idleByteCount = 0

        var stockByteCount: Int {
            if bytesPerSecond == 0 { return Demand.untestedStock }
            if bytesPerSecond < Demand.fastRate { return Demand.slowStock }
            let ahead = Int(bytesPerSecond * Demand.stockAhead.inSeconds)
            return min(max(ahead, Demand.fastStock.lowerBound), Demand.fastStock.upperBound)
        }

        /// Bytes of grants beyond those held that the peers could take.
        var wantedByteCount: Int {
            guard windowByteCount > 0 else { return 0 }
            let missing = windowByteCount + stockByteCount - heldByteCount
            let useless = max(0, unassignedByteCount - idleByteCount)
            let most = idleByteCount + max(0, Demand.mostStocks * stockByteCount - useless)
            return min(max(missing, idleByteCount, 0), most)
        }
    }

    /// What the supervisor believes: the last figure told, less what it granted since.
    private var believed = 0

    /// `grantBlocks` came.
    mutating func granted(byteCount: Int) { believed = max(0, believed - byteCount) }

    /// - Returns: the figure to tell, when it is time to.
    mutating func update(_ supply: Supply) -> UInt32? {
        let wanted = supply.wantedByteCount
        guard isWorthTelling(wanted, supply) else { return nil }
        believed = wanted
        return UInt32(clamping: wanted)
    }

    private func isWorthTelling(_ wanted: Int, _ supply: Supply) -> Bool {
        // Half a stock: the other half lasts until the answer comes.
        let step = max(Self.slowStock, supply.stockByteCount / 2)
        if wanted >= believed + step { return true }
        // A peer has nothing to do, and nothing is on its way.
        if believed == 0 { return wanted > 0 && supply.idleByteCount > 0 }
        return wanted == 0 || believed >= wanted + Self.mostStocks * step
    }
}
