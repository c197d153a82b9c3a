/// One question to a tracker that may have several addresses. Both IP versions are asked at once, each for the peers of
/// its own kind (BEP 15, "IPv6"), with one address at a time; the next address follows when one cannot be reached or is
/// silent. The first answer is the answer; what other addresses say within `grace` is added to it, and peers are handed
/// on at once.
package struct UDPTrackerQuery: Sendable {
    package enum Action: Equatable, Sendable {
        case send([UInt8], to: PeerAddress)
        /// Once, as one of the next three.
        case announced(AnnounceResponse)
        case scraped([SwarmCounts])
        case failed(AnnounceError)
        /// Also after the answer.
        case peersFound([PeerAddress])
    }

    /// Of the question in all: two repetitions. The pause before the next question is the schedule's.
    package static let deadline: Duration = .seconds(60)
    /// How long an answer waits for those of the other addresses (a guess, some round trips).
    static let grace: Duration = .seconds(1)
    /// Of one IP version, tried in their order; more are ignored.
    static let mostAddresses = 8

    private struct Lane {
        enum State: Equatable {
            case waiting
            case answered
            case failed(AnnounceError)
        }

        let family: CompactPeers.Family
        let addresses: [PeerAddress]
        var place = 0
        /// Places that cannot be reached, so far.
        var dead: Set<Int> = []
        var exchange: UDPTrackerExchange
        var state = State.waiting

        var address: PeerAddress { addresses[place] }
        func awaits(_ source: PeerAddress) -> Bool { state == .waiting && address == source }
        /// The place after this one that can still be reached; nil when no other is left.
        var nextPlace: Int? {
            (1..<max(addresses.count, 1)).map { (place + $0) % addresses.count }.first { !dead.contains($0) }
        }
    }

    private let question: UDPTrackerQuestion
    private let began: MonotonicInstant
    private var lanes: [Lane] = []
    private var response: AnnounceResponse?
    private var graceEnds = MonotonicInstant.distantFuture
    private var isAnswered = false

    /// - Parameter addresses: those that no tracker can have are left out.
    package init(_ question: UDPTrackerQuestion, addresses: [PeerAddress], now: MonotonicInstant) {
        self.question = question
        began = now
        for family in [CompactPeers.Family.v4, .v6] {
            let usable = addresses.map(\.unmapped).filter { $0.canBeDialled && $0.isIPv6 == (family == .v6) }
            guard !usable.isEmpty else { continue }
            lanes.append(
                Lane(
                    family: family, addresses: Array(usable.prefix(Self.mostAddresses)),
                    exchange: UDPTrackerExchange(question, family: family)))
        }
    }

    /// Nothing more comes of it.
    package var isOver: Bool { isAnswered && lanes.allSatisfy { $0.state != .waiting } }

    /// The addresses that answered, at most one of each IP version.
    package var homes: [PeerAddress] { lanes.filter { $0.state == .answered }.map(\.address) }

    /// When `timerFired` is due; nil when it is over.
    package var nextTimer: MonotonicInstant? {
        guard !isOver else { return nil }
        let repetitions = lanes.compactMap { $0.state == .waiting ? $0.exchange.nextTimer : nil }
        return ([began + Self.deadline] + (isAnswered ? [] : [graceEnds]) + repetitions).min()
    }
}

// MARK: - Events

extension UDPTrackerQuery {
    package mutating func begin(
        now: MonotonicInstant, connections: UDPConnections, using generator: inout some RandomNumberGenerator,
        into actions: inout [Action]
    ) {
        for lane in lanes.indices { ask(lane, now: now, connections: connections, using: &generator, into: &actions) }
        settle(now: now, into: &actions)
    }

    /// A packet came from an address.
    /// - Returns: whether it was for this question.
    package mutating func received(
        _ packet: [UInt8], from source: PeerAddress, now: MonotonicInstant, connections: inout UDPConnections,
        using generator: inout some RandomNumberGenerator, into actions: inout [Action]
    ) -> Bool {
        guard let lane = lanes.firstIndex(where: { $0.awaits(source) }) else { return false }
        let before = lanes[lane].exchange.connection
        let step = lanes[lane].exchange.received(packet, now: now, using: &generator)
        if let after = lanes[lane].exchange.connection {
            if after != before { connections.learned(after, to: source) }
        } else if let before {
            connections.refused(before, by: source)
        }
        switch step {
        case .ignored: return false
        case .send(let packet): actions.append(.send(packet, to: source))
        case .announced(let response):
            lanes[lane].state = .answered
            add(response, now: now)
            let wasAnswered = isAnswered
            settle(now: now, into: &actions)
            if wasAnswered || !isAnswered, !response.peers.isEmpty { actions.append(.peersFound(response.peers)) }
        case .scraped(let counts):
            lanes[lane].state = .answered
            if !isAnswered { actions.append(.scraped(counts)) }
            end()
        case .refused(let reason):
            lanes[lane].state = .failed(.refused(reason: reason, retry: nil))
            settle(now: now, into: &actions)
        }
        return true
    }

    /// The network says that packets do not get there.
    package mutating func unreachable(
        _ address: PeerAddress, reason: String, now: MonotonicInstant, connections: UDPConnections,
        using generator: inout some RandomNumberGenerator, into actions: inout [Action]
    ) {
        for lane in lanes.indices where lanes[lane].state == .waiting && lanes[lane].address == address {
            lanes[lane].dead.insert(lanes[lane].place)
            if let next = lanes[lane].nextPlace {
                lanes[lane].place = next
                ask(lane, now: now, connections: connections, using: &generator, into: &actions)
            } else {
                lanes[lane].state = .failed(.unreachable(reason: reason))
            }
        }
        settle(now: now, into: &actions)
    }

    package mutating func timerFired(
        now: MonotonicInstant, connections: UDPConnections, using generator: inout some RandomNumberGenerator,
        into actions: inout [Action]
    ) {
        for lane in lanes.indices where lanes[lane].state == .waiting {
            if now >= began + Self.deadline {
                let reason = "no answer within \(Int(Self.deadline.inSeconds)) s"
                lanes[lane].state = .failed(.unreachable(reason: reason))
            } else if let timer = lanes[lane].exchange.nextTimer, now >= timer, let next = lanes[lane].nextPlace {
                lanes[lane].place = next
                ask(lane, now: now, connections: connections, using: &generator, into: &actions)
            } else if let packet = lanes[lane].exchange.timerFired(now: now, using: &generator) {
                actions.append(.send(packet, to: lanes[lane].address))
            }
        }
        settle(now: now, into: &actions)
    }
}

// MARK: - Parts

extension UDPTrackerQuery {
    private mutating func ask(
        _ lane: Int, now: MonotonicInstant, connections: UDPConnections,
        using generator: inout some RandomNumberGenerator, into actions: inout [Action]
    ) {
        let address = lanes[lane].address
        var exchange = UDPTrackerExchange(
            question, family: lanes[lane].family, sentBefore: lanes[lane].exchange.sentCount)
        let packet = exchange.begin(
            connection: connections.connection(to: address, now: now), now: now, using: &generator)
        lanes[lane].exchange = exchange
        actions.append(.send(packet, to: address))
    }

    private mutating func add(_ new: AnnounceResponse, now: MonotonicInstant) {
        guard var sum = response else {
            response = new
            graceEnds = now + Self.grace
            return
        }
        sum.interval = max(sum.interval, new.interval)
        let counts = sum.counts.merged(with: new.counts)
        sum.complete = counts.seeders
        sum.incomplete = counts.leechers
        let known = Set(sum.peers)
        let others = new.peers.filter { !known.contains($0) }
        let room = AnnounceResponse.mostPeers - sum.peers.count
        sum.oddities += new.oddities
        if others.count > room { sum.oddities.append(.tooManyPeers(count: sum.peers.count + others.count)) }
        sum.peers += others.prefix(room)
        response = sum
    }

    /// Gives the answer when it is time.
    private mutating func settle(now: MonotonicInstant, into actions: inout [Action]) {
        guard !isAnswered else { return }
        let allEnded = lanes.allSatisfy { $0.state != .waiting }
        if let response, allEnded || now >= graceEnds {
            isAnswered = true
            actions.append(.announced(response))
            if case .announce(let request, _) = question, request.event == .stopped { end() }
        } else if allEnded, response == nil {
            isAnswered = true
            actions.append(.failed(failure))
        }
    }

    /// A refusal says more than silence.
    private var failure: AnnounceError {
        let errors = lanes.compactMap { lane -> AnnounceError? in
            if case .failed(let error) = lane.state { error } else { nil }
        }
        let refusal = errors.first { if case .refused = $0 { true } else { false } }
        return refusal ?? errors.first ?? .unreachable(reason: "no address that a tracker can have")
    }

    private mutating func end() {
        isAnswered = true
        for lane in lanes.indices where lanes[lane].state == .waiting {
            lanes[lane].state = .failed(.unreachable(reason: "no longer asked"))
        }
    }
}
