/// The peers of a torrent that this client is connected to, over all its workers, and the order in which they came and
/// went: what peers are told of each other (BEP 11). One for all connections of a torrent; each of these remembers how far
/// in the story it has been told (`PeerExchangeSending`), so that a message costs what has changed since its last one.
package struct SwarmMembers {
    struct Arrival {
        /// Of the event, counted from 1.
        let number: UInt64
        let contact: PeerExchangeMessage.Contact
    }

    struct Departure {
        let number: UInt64
        let address: PeerAddress
        /// Number of the arrival that it ends.
        let arrival: UInt64
    }

    /// Departures that are remembered. Who is behind by more is not told of the oldest (a guess: some minutes of a swarm
    /// in which everybody comes and goes).
    static let departureLimit = 2048

    /// Number of the latest event.
    private(set) var latest: UInt64 = 0
    /// Number of the arrival of each that is there.
    private var present: [PeerAddress: UInt64] = [:]
    /// In order; those that have left since are still among them until the next sweep.
    private(set) var arrivals: [Arrival] = []
    /// In order.
    private(set) var departures: [Departure] = []

    package init() {}

    package var count: Int { present.count }

    func isPresent(_ arrival: Arrival) -> Bool { present[arrival.contact.address] == arrival.number }
    func isPresent(_ address: PeerAddress) -> Bool { present[address] != nil }

    package mutating func arrived(_ contact: PeerExchangeMessage.Contact) {
        guard present[contact.address] == nil else { return }
        latest += 1
        present[contact.address] = latest
        arrivals.append(Arrival(number: latest, contact: contact))
    }

    package mutating func departed(_ address: PeerAddress) {
        guard let arrival = present.removeValue(forKey: address) else { return }
        latest += 1
        departures.append(Departure(number: latest, address: address, arrival: arrival))
        if departures.count > Self.departureLimit { departures.removeFirst(Self.departureLimit / 2) }
        if arrivals.count > 2 * present.count + 64 {
            let present = present
            arrivals.removeAll { present[$0.contact.address] != $0.number }
        }
    }

    /// Index of the first arrival behind an event.
    func firstArrival(after number: UInt64) -> Int { arrivals.firstIndex(behind: number, \.number) }
    func firstDeparture(after number: UInt64) -> Int { departures.firstIndex(behind: number, \.number) }
}

extension Array {
    /// Index of the first element whose number is greater; the elements are in the order of their numbers.
    fileprivate func firstIndex(behind number: UInt64, _ numberOf: (Element) -> UInt64) -> Int {
        var range = startIndex..<endIndex
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = numberOf(self[middle]) > number ? range.lowerBound..<middle : middle + 1..<range.upperBound
        }
        return range.lowerBound
    }
}
