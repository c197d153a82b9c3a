import BitTorrent
import TestSupport
import Testing

@Suite struct PeerExchangeMessageTests {
    typealias Contact = PeerExchangeMessage.Contact

    static func address(_ number: Int, port: UInt16 = 6881) -> PeerAddress {
        PeerAddress(v4: 0x0100_0001 + UInt32(number) << 8, port: port)
    }
    static func address6(_ number: UInt64) -> PeerAddress {
        PeerAddress(v6High: 0x2001_0DB8_0000_0000, v6Low: number, port: 6881)
    }

    @Test func bothFamiliesWithFlagsSurviveTheWire() throws {
        let message = PeerExchangeMessage(
            added: [Contact(Self.address(1), [.uploadsOnly, .isReachable]), Contact(Self.address6(7), .speaksUTP)],
            dropped: [Self.address(2), Self.address6(8)])
        #expect(try PeerExchangeMessage(payload: message.payload) == message)
    }

    /// libtorrent passes over addresses without a flag for each.
    @Test func addedAddressesHaveFlagsEvenWhenNothingIsKnownOfThem() {
        let payload = PeerExchangeMessage(added: [Contact(PeerAddress(v4: 0x0102_0304, port: 0x0506))]).payload
        #expect(payload == Array("d5:added6:\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}7:added.f1:\0e".utf8))
    }

    @Test func fieldsOfOtherClientsAreUnderstood() throws {
        // As libtorrent writes it: all fields, most of them empty.
        let text =
            "d5:added6:\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}7:added.f1:\u{2}6:added60:8:added6.f0:7:dropped0:8:dropped60:e"
        let message = try PeerExchangeMessage(payload: Array(text.utf8))
        #expect(message.added == [Contact(PeerAddress(v4: 0x0102_0304, port: 0x0506), .uploadsOnly)])
        #expect(message.dropped.isEmpty)
        // Without flags, and with flags that do not go with the addresses.
        for flags in ["", "7:added.f3:abc", "7:added.fi1e"] {
            let odd = try PeerExchangeMessage(payload: Array("d5:added6:abcdef\(flags)e".utf8))
            #expect(odd.added.map(\.flags) == [[]])
        }
        #expect(try PeerExchangeMessage(payload: Array("d5:addedi5ee".utf8)).added.isEmpty)
    }

    @Test(arguments: [
        "", "i5e", "le", "d5:added6:abc", "d5:added5:abcdee", "d6:added617:0123456789abcdefge", "d7:dropped1:xe",
        "d8:dropped61:xe",
    ]) func whatCannotBeReadIsAnError(_ text: String) {
        #expect(throws: PeerWireError.peerExchangeMalformed) { try PeerExchangeMessage(payload: Array(text.utf8)) }
    }

    @Test func damagedMessagesNeverTrap() {
        var random = TestSupport.SeededGenerator.printing()
        let sound = PeerExchangeMessage(
            added: (0..<5).map { Contact(Self.address($0)) } + [Contact(Self.address6(1))], dropped: [Self.address(9)]
        ).payload
        var readable = 0
        for _ in 0..<5000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1..<4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                if random.oneIn(3) {
                    bytes.remove(at: place)
                } else {
                    bytes[place] = UInt8.random(in: 0 ... .max, using: &random)
                }
            }
            if (try? PeerExchangeMessage(payload: bytes)) != nil { readable += 1 }
        }
        #expect(readable > 100)
    }
}
