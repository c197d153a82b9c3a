/// Owns which addresses we never talk to again in this run. Bounded: the oldest ban goes first.
struct BanList {
    static let maximumCount = 10_000
    /// A machine with so many banned addresses is banned as a whole (a guess).
    static let addressesPerMachine = 3

    private struct Machine {
        var count = 0
        /// Bans of connections that came from there: their ports are passing ones.
        var incomingCount = 0
        var isWhole: Bool { incomingCount > 0 || count >= BanList.addressesPerMachine }
    }

    /// Each with whether the ban is of a connection that came to us.
    private var addresses: [PeerAddress: Bool] = [:]
    /// Oldest first, from `oldest` on.
    private var inOrder: [PeerAddress] = []
    private var oldest = 0
    private var machines: [PeerAddress: Machine] = [:]

    var count: Int { addresses.count }

    func contains(_ address: PeerAddress) -> Bool {
        addresses[address] != nil || !address.isLoopback && machines[address.machine]?.isWhole == true
    }

    /// - Parameter isIncoming: the port is a passing one, so the machine is banned. Loopback, where test swarms share one
    ///   address, is banned port by port only.
    mutating func ban(_ address: PeerAddress, isIncoming: Bool) {
        guard addresses[address] == nil else { return }
        addresses[address] = isIncoming
        inOrder.append(address)
        machines[address.machine, default: Machine()].count += 1
        if isIncoming { machines[address.machine]!.incomingCount += 1 }
        if addresses.count > Self.maximumCount { forgetOldest() }
    }

    /// The peer was banned for what another did.
    /// - Returns: false when it was not banned (any more).
    mutating func lift(_ address: PeerAddress) -> Bool {
        guard addresses[address] != nil else { return false }
        if let place = inOrder[oldest...].firstIndex(of: address) { inOrder.remove(at: place) }
        forget(address)
        return true
    }

    private mutating func forgetOldest() {
        let address = inOrder[oldest]
        oldest += 1
        if oldest > Self.maximumCount {
            inOrder.removeFirst(oldest)
            oldest = 0
        }
        forget(address)
    }

    private mutating func forget(_ address: PeerAddress) {
        guard let isIncoming = addresses.removeValue(forKey: address) else { return }
        machines[address.machine]!.count -= 1
        if isIncoming { machines[address.machine]!.incomingCount -= 1 }
        if machines[address.machine]!.count == 0 { machines[address.machine] = nil }
    }
}
