import BitTorrent
import TestSupport

/// Datagrams that come to one question to a UDP tracker, from its address or from anybody's; an input is a script of them
/// and of time.
enum UDPTrackerTarget: FuzzTarget {
    static let name = "tracker-udp"
    private static let tracker = PeerAddress(v4: 0x7F00_0001, port: 80)
    private static let other = PeerAddress(v6High: 0, v6Low: 1, port: 80)
    private static let infoHashes = [InfoHash(Digest(Array(100..<120)))]

    static var seeds: [[UInt8]] {
        // `4` puts the transaction of the last packet in.
        let connected = [4] + Script.run([0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9])
        let announced =
            [4]
            + Script.run(
                [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7, 8, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 0, 80, 0, 0, 0, 0, 0, 0])
        let scraped = [4] + Script.run([0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3])
        let refused = [4] + Script.run([0, 0, 0, 3, 0, 0, 0, 0] + Array("no\u{1B}[2J".utf8))
        let noise = [0] + Script.run([1, 2, 3])
        return [
            [0] + connected + announced, [1] + connected + scraped, [0] + connected + refused, [0] + refused,
            [0] + noise + [2, 255] + connected + [2, 255, 2, 255] + announced, [1, 3, 2, 9] + noise,
        ]
    }

    static func run(_ input: [UInt8]) throws {
        var script = Script(input)
        var generator = SeededGenerator(seed: 1)
        var clock = FakeClock()
        let question = question(script.byte())
        var query = UDPTrackerQuery(question, addresses: [tracker, other], now: clock.now)
        var actions: [UDPTrackerQuery.Action] = []
        var connections = UDPConnections()
        query.begin(now: clock.now, connections: connections, using: &generator, into: &actions)
        var sent: [PeerAddress: [UInt8]] = [:]
        var answerCount = 0
        func note() throws {
            for action in actions {
                switch action {
                case .send(let packet, let address): sent[address] = packet
                case .announced(let response):
                    answerCount += 1
                    try HTTPTrackerTarget.check(response)
                case .failed(let error):
                    answerCount += 1
                    try HTTPTrackerTarget.checkText("\(error)")
                case .scraped: answerCount += 1
                case .peersFound(let peers):
                    try promise(peers.allSatisfy(\.canBeDialled), "a peer that cannot be dialled")
                }
            }
            try promise(actions.count <= 4, "\(actions.count) actions of one event")
            try promise(answerCount <= 1, "two answers")
            actions = []
        }
        try note()
        while !script.isAtEnd {
            let operation = script.byte()
            let from = operation & 8 == 0 ? tracker : other
            switch operation % 8 {
            case 2:
                clock.advance(by: .milliseconds(100 * Int(script.byte())))
                if let timer = query.nextTimer, timer <= clock.now {
                    query.timerFired(now: clock.now, connections: connections, using: &generator, into: &actions)
                    try note()
                    try promise(query.nextTimer.map { $0 > clock.now } ?? true, "a timer that is due again at once")
                }
            case 3:
                query.unreachable(
                    from, reason: "gone", now: clock.now, connections: connections, using: &generator, into: &actions)
            default:
                var packet = script.run()
                if operation % 8 >= 4, packet.count >= 8, let request = sent[from] {
                    packet.replaceSubrange(4..<8, with: request[12..<16])
                }
                _ = query.received(
                    packet, from: from, now: clock.now, connections: &connections, using: &generator, into: &actions)
            }
            try note()
            try promise(answerCount > 0 || query.nextTimer != nil, "a question that is never given up")
        }
        clock.advance(by: UDPTrackerQuery.deadline)
        query.timerFired(now: clock.now, connections: connections, using: &generator, into: &actions)
        try note()
        try promise(answerCount == 1, "no answer within the deadline")
    }

    private static func question(_ choice: UInt8) -> UDPTrackerQuestion {
        if choice % 2 == 1 { return .scrape(infoHashes) }
        let identity = AnnounceIdentity(
            infoHash: infoHashes[0], peerID: PeerID(Array("-SK0100-000000000000".utf8)), key: 7, port: 6881)
        return .announce(
            AnnounceRequest(
                identity: identity, counters: TransferCounters(uploaded: 0, downloaded: 0, left: 1), event: .started,
                peersWanted: 80),
            urlData: [])
    }
}
