import BitTorrent
import Testing

@Suite struct PeerPriorityTests {
    private func address(_ host: String, _ port: UInt16 = 0) throws -> PeerAddress {
        try #require(PeerAddress(numericHost: host, port: port))
    }

    /// BEP 40, "Examples".
    @Test func examplesOfTheSpecificationComeOut() throws {
        let ours = try address("123.213.32.10")
        #expect(PeerPriority.of(ours, try address("98.76.54.32")) == 0xEC2D_7224)
        #expect(PeerPriority.of(ours, try address("123.213.32.234")) == 0x9956_8189)
    }

    /// What is hashed for whom; the cases of libtorrent's test_peer_priority.
    @Test(arguments: [
        ("230.12.123.1", "230.12.123.3", "e60c7b01e60c7b03"),
        ("230.12.23.1", "230.12.123.3", "e60c1701e60c7b01"),
        ("230.120.23.1", "230.12.123.3", "e60c5101e6781501"),
        (
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:0fff:ffff:ffff:ffff:ffff:ffff:ffff",
            "ffff0fffffff55555555555555555555ffffffffffff55555555555555555555"
        ),
        (
            // The first difference is in the seventh byte: they share a /48.
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:0fff:ffff:ffff:ffff:ffff",
            "ffffffffffff0f555555555555555555ffffffffffffff555555555555555555"
        ),
    ]) func maskGoesWithTheSharedNetwork(_ first: String, _ second: String, _ hashed: String) throws {
        let digits = hashed.compactMap(\.hexDigitValue)
        let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        let (one, other) = (try address(first, 1234), try address(second, 300))
        #expect(PeerPriority.of(one, other) == CRC32C.of(bytes))
        #expect(PeerPriority.of(other, one) == CRC32C.of(bytes), "the same at both ends")
    }

    @Test func portsDecideOnOneMachine() throws {
        let (one, other) = (try address("10.0.0.1", 0x4D2), try address("10.0.0.1", 0x12C))
        #expect(PeerPriority.of(one, other) == CRC32C.of([0x01, 0x2C, 0x04, 0xD2]))
        #expect(PeerPriority.of(other, one) == PeerPriority.of(one, other))
    }

    @Test func familiesHaveNoRankAmongEachOther() throws {
        #expect(PeerPriority.of(try address("10.0.0.1"), try address("2001:db8::1")) == nil)
    }

    /// RFC 3720, appendix B.4.
    @Test func checksumIsCastagnolis() {
        #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    }
}
