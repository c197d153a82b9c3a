import BitTorrent
import Testing

@testable import Supervisor

struct ExternalAddressesTests {
    private let v6: [UInt8] = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]

    @Test func newestOfEachVersionIsKeptAndEachIsToldOnce() {
        var addresses = ExternalAddresses()
        #expect(addresses.learned([192, 0, 2, 1], port: 7)?.description == "192.0.2.1:7")
        #expect(addresses.learned([192, 0, 2, 1], port: 7) == nil)
        #expect(addresses.learned(v6, port: 7) != nil)
        #expect(addresses.learned([192, 0, 2, 2], port: 7) != nil)
        #expect(addresses.v4?.description == "192.0.2.2:7")
        #expect(addresses.v6?.addressBytes == v6)
        _ = addresses.learned([192, 0, 2, 1], port: 7)
        #expect(addresses.v4?.description == "192.0.2.1:7")
    }

    @Test func addressIsKnownWithoutAListenerToo() {
        var addresses = ExternalAddresses()
        #expect(addresses.learned([192, 0, 2, 1], port: 0)?.port == 0)
        #expect(addresses.v4 != nil)
    }

    @Test(arguments: [
        [0, 0, 0, 0], [224, 0, 0, 1], [255, 255, 255, 255], [1, 2, 3], [UInt8](repeating: 0, count: 16),
    ])
    func nonsenseIsNotBelieved(bytes: [UInt8]) {
        var addresses = ExternalAddresses()
        #expect(addresses.learned(bytes, port: 7) == nil)
        #expect(addresses.v4 == nil && addresses.v6 == nil)
    }

    @Test func liarIsHeardOutOnlyForAWhile() {
        var addresses = ExternalAddresses()
        let news = (1...100).count { addresses.learned([192, 0, 2, UInt8($0)], port: 7) != nil }
        #expect(news == ExternalAddresses.limit)
    }
}
