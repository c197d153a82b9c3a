import BitTorrent
import Testing

@Suite struct ExternalAddressTests {
    private let ours: [UInt8] = [8, 1, 2, 3]
    private func voter(_ number: Int) -> ExternalAddress.Voter { .peer(SwarmFixture.address(number)) }

    @Test func twoOfTwoNetworksAreBelieved() {
        var external = ExternalAddress()
        #expect(external.heard(ours, from: voter(1)) == nil)
        #expect(external.heard(ours, from: voter(2)) == PeerAddress(v4: 0x0801_0203, port: 0))
        #expect(external.heard(ours, from: voter(3)) == nil, "it is known")
    }

    @Test func aTrackerAndAPeerAreTwo() {
        var external = ExternalAddress()
        #expect(external.heard(ours, from: .tracker) == nil)
        #expect(external.heard(ours, from: voter(1)) != nil)
    }

    @Test func oneNetworkHasOneVoice() {
        var external = ExternalAddress()
        for host in 1...50 {
            let peer = PeerAddress(v4: 0x0102_0300 + UInt32(host), port: 6881)
            #expect(external.heard(ours, from: .peer(peer)) == nil)
        }
    }

    @Test func aMinorityIsNotBelieved() {
        var external = ExternalAddress()
        for number in 1...5 { _ = external.heard(ours, from: voter(number)) }
        for number in 6...10 { #expect(external.heard([9, 9, 9, 9], from: voter(number)) == nil) }
        #expect(external.heard([9, 9, 9, 9], from: voter(11)) != nil, "a change of address is noticed in the end")
    }

    @Test(
        arguments: [
            [], [1, 2], [10, 0, 0, 1], [127, 0, 0, 1], [192, 168, 1, 1], [0, 0, 0, 0], [255, 255, 255, 255],
            [UInt8](repeating: 0, count: 16), [0xFE, 0x80] + [UInt8](repeating: 0, count: 14),
        ] as [[UInt8]]) func whatIsNoPublicAddressDoesNotCount(_ bytes: [UInt8])
    {
        var external = ExternalAddress()
        for number in 1...5 { #expect(external.heard(bytes, from: voter(number)) == nil) }
    }

    @Test func familiesAreCountedApart() {
        var external = ExternalAddress()
        let six: [UInt8] = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 1, count: 12)
        _ = external.heard(ours, from: voter(1))
        #expect(external.heard(six, from: voter(1)) == nil)
        #expect(external.heard(six, from: voter(2))?.isIPv6 == true)
    }
}
