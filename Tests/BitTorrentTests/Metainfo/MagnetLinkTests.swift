import BitTorrent
import Testing

/// Magnet links (BEP 9).
struct MagnetLinkTests {
    private static let hex = "fb26207cb2d0eb713853868fdb6f014103803487"

    @Test(arguments: [
        hex, "FB26207CB2D0EB713853868FDB6F014103803487", "7MTCA7FS2DVXCOCTQ2H5W3YBIEBYANEH",
        "7mtca7fs2dvxcoctq2h5w3ybiebyaneh",
    ])
    func bothFormsOfAnInfoHashAreRead(text: String) throws {
        #expect(try MagnetLink("magnet:?xt=urn:btih:\(text)").infoHash.description == Self.hex)
    }

    @Test func everyParameterIsRead() throws {
        let link = try MagnetLink(
            "magnet:?xt=urn:btih:\(Self.hex)&dn=a+name%20%26%20more&tr=udp%3A%2F%2Fa.example%3A6969&tr.1=http://b.example/x"
                + "&ws=https%3A%2F%2Fw.example%2Ff&x.pe=192.0.2.1:6881&x.pe=[2001:db8::1]:51413&x.pe=Peer.Example:1&xl=17"
        )
        #expect(link.displayName == "a name & more")
        #expect(link.trackers.map(\.text) == ["udp://a.example:6969", "http://b.example/x"])
        #expect(link.webSeeds.map(\.text) == ["https://w.example/f"])
        #expect(link.peers.map(\.description) == ["192.0.2.1:6881", "[2001:db8::1]:51413", "peer.example:1"])
        #expect(link.warnings.isEmpty)
    }

    @Test func unusableSourcesAreSkippedWithAWarning() throws {
        let link = try MagnetLink(
            "magnet:?xt=urn:btih:\(Self.hex)&tr=file:///x&ws=udp://w.example:1&x.pe=nowhere&x.pe=h:0&x.pe=:1")
        #expect(link.trackers.isEmpty && link.webSeeds.isEmpty && link.peers.isEmpty)
        #expect(link.warnings.count == 5)
    }

    @Test(arguments: [
        ("", MagnetLink.Refusal.notAMagnetLink), ("http://a.example/x.torrent", .notAMagnetLink),
        ("magnet:", .notAMagnetLink),
        ("magnet:?dn=x", .missingInfoHash), ("magnet:?xt=urn:sha1:abc", .missingInfoHash),
        ("magnet:?xt=urn:btih:", .malformedInfoHash("")), ("magnet:?xt=urn:btih:abc", .malformedInfoHash("abc")),
        (
            "magnet:?xt=urn:btih:zz26207cb2d0eb713853868fdb6f014103803487",
            .malformedInfoHash("zz26207cb2d0eb713853868fdb6f014103803487")
        ),
        (
            "magnet:?xt=urn:btih:7MTCA7FS2DVXCOCTQ2H5W3YBIEBYANE1",
            .malformedInfoHash("7MTCA7FS2DVXCOCTQ2H5W3YBIEBYANE1")
        ),
        ("magnet:?xt=urn:btmh:1220caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a302e", .versionTwoOnly),
        ("magnet:?xt=urn:btih:\(hex)&xt=urn:btih:0000000000000000000000000000000000000000", .twoInfoHashes),
    ])
    func otherTextsAreRefusedByName(text: String, refusal: MagnetLink.Refusal) {
        #expect(throws: refusal) { try MagnetLink(text) }
    }

    @Test func hybridLinkIsReadByItsFirstPart() throws {
        let link = try MagnetLink(
            "MAGNET:?xt.1=urn:btmh:1220ca&xt.2=URN:BTIH:\(Self.hex)&xt=urn:btih:\(Self.hex.uppercased())")
        #expect(link.infoHash.description == Self.hex)
    }

    @Test func veryLongLinkIsRefused() {
        let text = "magnet:?xt=urn:btih:\(Self.hex)&dn=" + String(repeating: "a", count: 65_536)
        #expect(throws: MagnetLink.Refusal.tooLong(limit: 65_536)) { try MagnetLink(text) }
    }

    @Test func brokenPercentSignsStandForThemselves() throws {
        #expect(try MagnetLink("magnet:?xt=urn:btih:\(Self.hex)&dn=100%&dn=b").displayName == "100%")
        #expect(try MagnetLink("magnet:?xt=urn:btih:\(Self.hex)&dn=%zz%4").displayName == "%zz%4")
        #expect(try MagnetLink("magnet:?xt=urn:btih:\(Self.hex)&dn=%FF").displayName == "\u{FFFD}")
    }
}
