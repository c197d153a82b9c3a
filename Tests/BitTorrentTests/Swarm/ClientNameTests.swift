import BitTorrent
import TestSupport
import Testing

@Suite struct ClientNameTests {
    private func name(_ start: String) -> String? {
        let bytes = Array(start.utf8.prefix(20))
        return ClientName.of(PeerID(bytes + Array(repeating: UInt8(ascii: "x"), count: 20 - bytes.count)))
    }

    @Test(arguments: [
        ("-LT20A0-", "libtorrent 2.0.10"), ("-LT1100-", "libtorrent 1.1.0"), ("-lt0D80-", "libTorrent 0.13.8"),
        ("-qB4650-", "qBittorrent 4.6.5"), ("-TR2940-", "Transmission 2.94"), ("-TR3000-", "Transmission 3.00"),
        ("-TR4060-", "Transmission 4.0.6"), ("-TR410Z-", "Transmission 4.1.0"), ("-UT355S-", "µTorrent 3.5.5"),
        ("-BT7a5S-", "BitTorrent 7.10.5"), ("-DE13F0-", "Deluge 1.3.15"), ("-DE211s-", "Deluge 2.1.1"),
        ("-AZ5771-", "Vuze 5.7.7.1"), ("-SK0100-", "Swarmkeeper 0.1.0"),
    ])
    func azureusStyleIsTwoCharactersAndAVersion(_ id: String, _ client: String) { #expect(name(id) == client) }

    @Test func clientThatIsNotListedGoesByItsCharacters() { #expect(name("-zQ1234-") == "zQ 1.2.3.4") }

    @Test(arguments: [
        ("S58B-----", "Shadow's client 5.8.11"), ("T03I-----", "BitTornado 0.3.18"), ("A310--001", nil),
        ("A31-0----", nil), ("Z58B-----", nil), ("T-----------", nil),
    ])
    func shadowStyleIsOneCharacterAndAVersion(_ id: String, _ client: String?) { #expect(name(id) == client) }

    @Test(arguments: [
        ("M7-9-2--", "BitTorrent 7.9.2"), ("M4-20-8-", "BitTorrent 4.20.8"), ("A2-1-36-0-", "aria2 1.36.0"),
        ("M7-9-x--", nil), ("M7--2---", nil), ("M7-9-", nil), ("A2-1-36-123456", nil), ("M+1-2-3-", nil),
    ])
    func numbersWithDashesAreAVersion(_ id: String, _ client: String?) { #expect(name(id) == client) }

    @Test(arguments: [
        "", "-LT20A0", "-LT20.0-", "-L-20A0-", "-LT 0A0-", "-\u{1b}[20A0-", "-µ2000-", "BOWxxx-xx", "exbc",
    ])
    func anIDOfNoStyleNamesNobody(_ id: String) { #expect(name(id) == nil) }

    @Test func nothingThatMovesACursorComesOut() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let allowed = "µABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ./'"
        let starts: [[UInt8]] = [[], Array("-LT".utf8), Array("M7-".utf8), Array("A2-1-".utf8), Array("T".utf8)]
        for round in 0..<20_000 {
            var bytes = starts[round % starts.count]
            while bytes.count < 20 {
                bytes.append(Bool.random(using: &random) ? UInt8(ascii: "-") : .random(in: 0 ... .max, using: &random))
            }
            guard let name = ClientName.of(PeerID(bytes)) else { continue }
            #expect(name.allSatisfy { allowed.contains($0) } && name.utf8.count < 64, "seed \(seed)")
        }
    }
}
