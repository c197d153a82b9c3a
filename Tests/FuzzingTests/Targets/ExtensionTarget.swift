import BitTorrent

/// Payloads of extended messages: the handshake of BEP 10 and the peers of BEP 11.
enum ExtensionTarget: FuzzTarget {
    static let name = "extensions"

    static let seeds: [[UInt8]] = {
        let handshake = ExtensionHandshake(
            extensions: ["ut_pex": 1, "ut_metadata": 2], client: "Client 1.0", listenPort: 6881, yourIP: [1, 2, 3, 4],
            requestQueue: 250, isUploadOnly: true)
        let exchange = PeerExchangeMessage(
            added: [
                .init(PeerAddress(v4: 0x0102_0304, port: 5), .isReachable),
                .init(PeerAddress(v6High: 0x2001 << 48, v6Low: 1, port: 6)),
                .init(PeerAddress(v6High: 0, v6Low: 0xFFFF_0102_0305, port: 7)),
            ], dropped: [PeerAddress(v4: 0x0102_0305, port: 5)])
        return [handshake.payload, exchange.payload]
            + [
                "d1:md0:i1e6:ut_pexi0eee", "d1:mi1e1:pi0e4:reqqi-1e1:v0:e", "d5:added5:abcdee", "de",
                "d5:added12:abcdefghijkl7:added.f1:a8:dropped618:abcdefghijklmnopqre",
            ].map { Array($0.utf8) }
    }()

    static func run(_ input: [UInt8]) throws {
        if let handshake = try? ExtensionHandshake(payload: input) { try check(handshake) }
        if let message = try? PeerExchangeMessage(payload: input) { try check(message) }
        try checkReceiving(input)
    }

    private static func check(_ handshake: ExtensionHandshake) throws {
        try promise(
            handshake.extensions.count <= ExtensionHandshake.maximumExtensionCount, "extensions without bound")
        try promise(handshake.requestQueue.map { (1...Int(Int32.max)).contains($0) } ?? true, "reqq")
        try promise(handshake.yourIP.map { $0.count == 4 || $0.count == 16 } ?? true, "yourip")
        try promise(handshake.listenPort != 0, "port 0")
        // Bytes that are no UTF-8 grow when they are repaired, and may then be too long to be read again.
        let texts = Array(handshake.extensions.keys) + [handshake.client ?? ""]
        if texts.allSatisfy({ $0.utf8.count <= ExtensionHandshake.maximumNameByteCount }) {
            let again = try ExtensionHandshake(payload: handshake.payload)
            try promise(again == handshake, "written otherwise")
        }
        var merged = ExtensionHandshake(
            extensions: Dictionary(uniqueKeysWithValues: (0..<60).map { ("x\($0)", 1) }))
        merged.merge(handshake)
        try promise(merged.extensions.count <= ExtensionHandshake.maximumExtensionCount, "merged without bound")
        try promise(!handshake.extensions.contains { $0.value == 0 && merged.extensions[$0.key] != nil }, "not off")
    }

    private static func check(_ message: PeerExchangeMessage) throws {
        let payload = message.payload
        guard payload.count <= WireLimits.extendedByteCount else { return }
        let again = try PeerExchangeMessage(payload: payload)
        try promise(Set(again.added) == Set(message.added), "added peers change")
        try promise(again.added.count == message.added.count, "added peers get lost")
        try promise(Set(again.dropped) == Set(message.dropped), "dropped peers change")
        try promise(try PeerExchangeMessage(payload: again.payload) == again, "written otherwise")
    }

    private static func checkReceiving(_ input: [UInt8]) throws {
        var receiving = PeerExchangeReceiving()
        let sender = PeerAddress(v4: 0x0102_0399, port: 1)
        let now = MonotonicInstant.distantPast + .seconds(3600)
        var acceptedCount = 0
        var most = PeerExchangeReceiving.acceptedFirst
        for _ in 0..<10 {
            guard let contacts = try? receiving.received(input, from: sender, now: now) else { continue }
            acceptedCount += 1
            try promise(contacts.count <= most, "\(contacts.count) contacts")
            try promise(Set(contacts.map(\.address)).count == contacts.count, "a contact twice")
            try promise(contacts.allSatisfy { $0.address.isConnectable }, "an address that nobody can have")
            most = PeerExchangeReceiving.acceptedLater
        }
        try promise(acceptedCount < 10, "a flood is listened to")
    }
}
