/// What a tracker is asked.
package enum UDPTrackerQuestion: Hashable, Sendable {
    /// `urlData`: path and query of the tracker's URL (BEP 41).
    case announce(AnnounceRequest, urlData: [UInt8])
    /// At most `UDPTrackerPacket.mostScrapedTorrents`.
    case scrape([InfoHash])
}

/// One question to one address of a tracker (BEP 15): connect, ask, and repeat what has no answer. It has no end of its
/// own but an answer; whoever asks decides how long to wait.
package struct UDPTrackerExchange: Sendable {
    /// What is to be done after an event.
    package enum Step: Equatable, Sendable {
        case send([UInt8])
        case announced(AnnounceResponse)
        case scraped([SwarmCounts])
        /// In the tracker's words.
        case refused(String)
        /// The packet was no answer to what was asked last.
        case ignored(UDPTrackerReplyError)
    }

    private enum Phase {
        case connecting
        /// - Parameter isShared: the connection is older than this exchange, so the tracker may have forgotten it.
        case asking(UDPConnection, isShared: Bool)
        /// There was an answer.
        case over
    }

    /// Before the first repetition; it doubles with each.
    static let firstWait: Duration = .seconds(15)
    static let mostDoublings = 8

    private let question: UDPTrackerQuestion
    private let family: CompactPeers.Family
    private var phase = Phase.connecting
    private var transaction: UInt32 = 0
    private var sentAt = MonotonicInstant.distantPast
    /// Packets since the tracker last showed that it lives. A connection that was renewed within the exchange does not
    /// count as that: repetitions never come faster than before.
    private(set) package var sentCount: Int
    private var hasConnected = false
    /// What the tracker said in this exchange, for others to use too.
    private(set) package var connection: UDPConnection?

    /// - Parameter sentBefore: packets that other addresses of the same tracker left unanswered.
    package init(_ question: UDPTrackerQuestion, family: CompactPeers.Family, sentBefore: Int = 0) {
        self.question = question
        self.family = family
        sentCount = sentBefore
    }

    /// - Parameter connection: a valid one, if there is any.
    /// - Returns: the first packet.
    package mutating func begin(
        connection: UDPConnection?, now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [UInt8] {
        guard let connection else { return connect(now: now, using: &generator) }
        self.connection = connection
        return ask(connection, isShared: true, now: now, using: &generator)
    }

    /// When `timerFired` is due; nil when the exchange is over.
    package var nextTimer: MonotonicInstant? {
        if case .over = phase { return nil }
        return sentAt + Self.firstWait * (1 << min(max(sentCount, 1) - 1, Self.mostDoublings))
    }

    /// - Returns: what to repeat, if it is time.
    package mutating func timerFired(
        now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [UInt8]? {
        guard let nextTimer, now >= nextTimer else { return nil }
        switch phase {
        case .over: return nil
        case .asking(let connection, _) where connection.isValid(now: now):
            // The same transaction: a late answer to the first packet is as good.
            return sent(request(connection), now: now)
        case .asking: return connect(now: now, using: &generator)
        case .connecting: return sent(UDPTrackerPacket.connect(transaction: transaction), now: now)
        }
    }

    /// A packet came from the tracker's address.
    package mutating func received(
        _ packet: [UInt8], now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> Step {
        let action: UDPTrackerPacket.Action
        switch (phase, question) {
        case (.over, _): return .ignored(.wrongTransaction)
        case (.connecting, _): action = .connect
        case (.asking, .announce): action = .announce
        case (.asking, .scrape): action = .scrape
        }
        let reply: UDPTrackerReply
        do throws(UDPTrackerReplyError) {
            reply = try UDPTrackerReply(parsing: packet, to: action, transaction: transaction, family: family)
        } catch { return .ignored(error) }
        switch reply {
        case .connected(let id):
            if !hasConnected { sentCount = 0 }
            hasConnected = true
            let connection = UDPConnection(id: id, receivedAt: now)
            self.connection = connection
            return .send(ask(connection, isShared: false, now: now, using: &generator))
        case .announced(let response):
            phase = .over
            return .announced(response)
        case .scraped(let counts):
            phase = .over
            return .scraped(counts)
        case .refused(let reason):
            if case .asking(_, isShared: true) = phase {
                // Perhaps it was restarted; what it thinks of the request itself shows with a connection of our own.
                connection = nil
                return .send(connect(now: now, using: &generator))
            }
            phase = .over
            return .refused(reason)
        }
    }

    private mutating func connect(
        now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [UInt8] {
        phase = .connecting
        transaction = generator.next()
        return sent(UDPTrackerPacket.connect(transaction: transaction), now: now)
    }

    private mutating func ask(
        _ connection: UDPConnection, isShared: Bool, now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [UInt8] {
        phase = .asking(connection, isShared: isShared)
        transaction = generator.next()
        return sent(request(connection), now: now)
    }

    private func request(_ connection: UDPConnection) -> [UInt8] {
        switch question {
        case .announce(let request, let urlData):
            UDPTrackerPacket.announce(request, urlData: urlData, connection: connection.id, transaction: transaction)
        case .scrape(let infoHashes):
            UDPTrackerPacket.scrape(infoHashes, connection: connection.id, transaction: transaction)
        }
    }

    private mutating func sent(_ packet: [UInt8], now: MonotonicInstant) -> [UInt8] {
        sentAt = now
        sentCount += 1
        return packet
    }
}
