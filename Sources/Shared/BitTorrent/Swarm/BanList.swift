/// Owns which addresses we never talk to again in this run. Bounded: the oldest ban goes first.
struct BanList {
    static let maximumCount = 10_000
    /// A machine with so many banned addresses is banned as a whole (a guess).
    static let addressesPerMachine = 3

    private var addresses: Set<PeerAddress> = []
    /// Oldest first, from `oldest` on.
    private var inOrder: [PeerAddress] = []
    private var oldest = 0
    private var machines: [PeerAddress: Int] = [:]
    private var wholeMachines: Set<PeerAddress> = []

    var count: Int { addresses.count }

    func contains(_ address: PeerAddress) -> Bool {
        addresses.contains(address) || !wholeMachines.isEmpty && wholeMachines.contains(address.machine)
    }

    /// - Parameter isIncoming: the port is a passing one, so the machine is banned. Loopback, where test swarms share one
    ///   address, is banned port by port only.
    mutating func ban(_ address: PeerAddress, isIncoming: Bool) {
        guard addresses.insert(address).inserted else { return }
        inOrder.append(address)
        let machine = address.machine
        machines[machine, default: 0] += 1
        if !address.isLoopback, isIncoming || machines[machine]! >= Self.addressesPerMachine {
            wholeMachines.insert(machine)
        }
        if addresses.count > Self.maximumCount { forgetOldest() }
    }

    private mutating func forgetOldest() {
        let address = inOrder[oldest]
        oldest += 1
        if oldest > Self.maximumCount {
            inOrder.removeFirst(oldest)
            oldest = 0
        }
        addresses.remove(address)
        let machine = address.machine
        machines[machine]! -= 1
        if machines[machine] == 0 {
            machines[machine] = nil
            wholeMachines.remove(machine)
        }
    }
}
