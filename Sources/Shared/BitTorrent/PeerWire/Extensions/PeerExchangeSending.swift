/// Owns what one peer was told of the others and what it is told next (BEP 11). Everybody who was added and has left is
/// dropped later, once; nobody else is.
package struct PeerExchangeSending {
    /// BEP 11: at most one message a minute.
    static let interval: Duration = .seconds(60)
    /// The first message waits so long for those who connect at about the same time (a guess).
    package static let gathering: Duration = .seconds(3)
    /// Contacts of the first message, and of each later one: BEP 11 allows 50, of the first more.
    static let firstLimit = 100
    static let laterLimit = 50

    /// Up to which arrival those that were present then have been told.
    private var arrivalsTold: UInt64 = 0
    private var departuresTold: UInt64 = 0
    /// `SwarmMembers.latest` when they were last looked at to the end.
    private var seen: UInt64 = 0
    private var isFirst = true
    private var nextAt: MonotonicInstant

    /// The peer has said that it takes such messages.
    package init(now: MonotonicInstant) { nextAt = now + Self.gathering }

    /// To be asked now and then; costs nothing while there is nothing to tell.
    /// - Parameter isNews: whether the peer should know of an address at all; always the same for the same address.
    /// - Returns: nil when nothing is due.
    package mutating func message(
        _ members: SwarmMembers, now: MonotonicInstant, isNews: (PeerAddress) -> Bool
    ) -> PeerExchangeMessage? {
        guard now >= nextAt, members.latest != seen else { return nil }
        let limit = isFirst ? Self.firstLimit : Self.laterLimit
        var message = PeerExchangeMessage()
        let isComplete = addDepartures(members, limit: limit, isNews, to: &message)
        // Only then: an arrival counts as told to all who see it pass, so none may pass that still has to be dropped.
        let hasAll = isComplete && addArrivals(members, limit: limit, isNews, to: &message)
        if hasAll { seen = members.latest }
        guard !message.added.isEmpty || !message.dropped.isEmpty else { return nil }
        isFirst = false
        nextAt = now + Self.interval
        return message
    }

    /// - Returns: whether no departure is left.
    private mutating func addDepartures(
        _ members: SwarmMembers, limit: Int, _ isNews: (PeerAddress) -> Bool, to message: inout PeerExchangeMessage
    ) -> Bool {
        for departure in members.departures[members.firstDeparture(after: departuresTold)...] {
            if departure.arrival <= arrivalsTold, isNews(departure.address) {
                if message.dropped.count == limit { return false }
                message.dropped.append(departure.address)
            }
            departuresTold = departure.number
        }
        return true
    }

    /// - Returns: whether no arrival is left.
    private mutating func addArrivals(
        _ members: SwarmMembers, limit: Int, _ isNews: (PeerAddress) -> Bool, to message: inout PeerExchangeMessage
    ) -> Bool {
        let dropped = Set(message.dropped)
        for arrival in members.arrivals[members.firstArrival(after: arrivalsTold)...] {
            if members.isPresent(arrival), isNews(arrival.contact.address) {
                // BEP 11: nobody is added and dropped in one message; who is back is told in the next.
                if message.added.count == limit || dropped.contains(arrival.contact.address) { return false }
                message.added.append(arrival.contact)
            }
            arrivalsTold = arrival.number
        }
        return true
    }
}
