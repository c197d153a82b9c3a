/// Owns what one peer may tell us of others (BEP 11): how often, how many, and what kind of addresses.
package struct PeerExchangeReceiving {
    /// BEP 11: a message a minute. Some that were held up on the way may come together, as libtorrent has it, and clocks
    /// differ a little.
    static let messagesAtOnce = 6
    static let refill: Duration = .seconds(50)
    /// Addresses of a message that are used; BEP 11 allows later ones 50, and what is beyond is libtorrent's custom.
    package static let acceptedFirst = 100
    package static let acceptedLater = 50
    /// More than any client sends; who does is not sharing peers but flooding (BEP 11: "egregiously").
    static let mostAdded = 200
    static let mostDropped = 1000

    private var allowance = messagesAtOnce
    /// When `allowance` last grew, or the first message came.
    private var refilledAt: MonotonicInstant?
    private var isFirst = true

    package init() {}

    /// - Parameter sender: the peer's end of the connection.
    /// - Returns: contacts that are worth knowing: each machine once, none that the sender cannot have met.
    /// - Throws: when the peer is to be left for it.
    package mutating func received(
        _ payload: [UInt8], from sender: PeerAddress, now: MonotonicInstant
    ) throws(PeerWireError) -> [PeerExchangeMessage.Contact] {
        try count(now: now)
        let message = try PeerExchangeMessage(payload: payload)
        guard message.added.count <= Self.mostAdded, message.dropped.count <= Self.mostDropped else {
            throw .peerExchangeTooLong(count: max(message.added.count, message.dropped.count))
        }
        let limit = isFirst ? Self.acceptedFirst : Self.acceptedLater
        isFirst = false
        var seen: Set<PeerAddress> = []
        return message.added.prefix(limit).filter { contact in
            let address = contact.address
            guard address.isConnectable, address.isKnowable(at: sender) else { return false }
            // BEP 11: the same machine with many ports is a sign of lies. On loopback test swarms share one.
            return seen.insert(address.isLoopback ? address : address.machine).inserted
        }
    }

    private mutating func count(now: MonotonicInstant) throws(PeerWireError) {
        let since = now - (refilledAt ?? now)
        let earned = Int(since.wholeNanoseconds / Self.refill.wholeNanoseconds)
        if refilledAt == nil || allowance + earned >= Self.messagesAtOnce {
            allowance = Self.messagesAtOnce
            refilledAt = now
        } else if earned > 0 {
            allowance += earned
            refilledAt = refilledAt! + .nanoseconds(Int64(earned) * Self.refill.wholeNanoseconds)
        }
        guard allowance > 0 else { throw .peerExchangeTooOften }
        allowance -= 1
    }
}
