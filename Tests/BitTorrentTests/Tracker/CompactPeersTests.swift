import BitTorrent
import Testing

struct CompactPeersTests {
    @Test func entriesAreReadInOrder() {
        let peers = CompactPeers(parsing: [192, 0, 2, 1, 0x1A, 0xE1, 10, 0, 0, 2, 0, 80], family: .v4)
        #expect(peers.addresses.map(\.description) == ["192.0.2.1:6881", "10.0.0.2:80"])
        #expect(peers.trailingByteCount == 0)
    }

    @Test func everyCutKeepsTheWholeEntries() {
        for family in [CompactPeers.Family.v4, .v6] {
            let bytes = (0..<(family.stride * 3)).map { UInt8($0 + 1) }
            for count in 0...bytes.count {
                let peers = CompactPeers(parsing: bytes.prefix(count), family: family)
                #expect(peers.addresses.count == count / family.stride)
                #expect(peers.trailingByteCount == count % family.stride)
            }
        }
    }

    @Test func mappedAddressIsOneNameWithItsV4Form() {
        let bytes: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1, 0x1A, 0xE1]
        #expect(CompactPeers(parsing: bytes, family: .v6).addresses.map(\.description) == ["192.0.2.1:6881"])
    }

    @Test(
        arguments: [
            ("192.0.2.1", 6881, true), ("127.0.0.1", 1, true), ("10.1.2.3", 65535, true), ("223.255.255.255", 1, true),
            ("192.0.2.1", 0, false), ("0.0.0.0", 6881, false), ("0.1.2.3", 6881, false), ("224.0.0.1", 6881, false),
            ("239.255.255.255", 6881, false), ("240.0.0.1", 6881, false), ("255.255.255.255", 6881, false),
            ("2001:db8::1", 6881, true), ("::1", 6881, true), ("fd00::1", 6881, true), ("2001:db8::1", 0, false),
            ("::", 6881, false),
            ("ff02::1", 6881, false), ("fe80::1", 6881, false), ("febf::1", 6881, false),
            ("::ffff:0.0.0.0", 6881, false),
            ("::ffff:224.0.0.1", 6881, false),
        ] as [(String, UInt16, Bool)])
    func placesWhereNoPeerCanBeAreKnown(host: String, port: UInt16, canBeDialled: Bool) throws {
        #expect(try #require(PeerAddress(numericHost: host, port: port)).canBeDialled == canBeDialled)
    }
}
