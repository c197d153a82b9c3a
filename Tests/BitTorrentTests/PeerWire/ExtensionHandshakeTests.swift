import BitTorrent
import Testing

@Suite struct ExtensionHandshakeTests {
    private func parse(_ text: String) throws -> ExtensionHandshake {
        try ExtensionHandshake(payload: Array(text.utf8))
    }

    @Test func oursHasTheBytesOfBEP10() throws {
        let ours = ExtensionHandshake(
            extensions: ["ut_pex": 2, "LT_metadata": 1], client: "Sw 1", listenPort: 6881, yourIP: [1, 2, 3, 4],
            requestQueue: 500)
        var expected = Array("d1:md11:LT_metadatai1e6:ut_pexi2ee1:pi6881e4:reqqi500e1:v4:Sw 16:yourip4:".utf8)
        expected += [1, 2, 3, 4] + Array("e".utf8)
        #expect(ours.payload == expected)
        #expect(try ExtensionHandshake(payload: ours.payload) == ours)
    }

    @Test func theExampleOfBEP10IsRead() throws {
        let theirs = try parse("d1:md11:LT_metadatai1e6:ut_PEXi2ee1:pi6881e1:v13:µTorrent 1.2e")
        #expect(theirs.extensions == ["LT_metadata": 1, "ut_PEX": 2])
        #expect(theirs.listenPort == 6881)
        #expect(theirs.client == "µTorrent 1.2")
        #expect(theirs.requestQueue == nil)
    }

    @Test func partialSeedSaysSoAsInBEP21() throws {
        #expect(try parse("d1:md11:ut_metadatai3ee11:upload_onlyi1ee").isUploadOnly == true)
        #expect(try parse("d11:upload_onlyi0ee").isUploadOnly == false)
        #expect(try parse("de").isUploadOnly == nil)
        #expect(try parse("d11:upload_only1:1e").isUploadOnly == nil)
        #expect(ExtensionHandshake(isUploadOnly: true).payload == Array("d1:mde11:upload_onlyi1ee".utf8))
        var known = try parse("d11:upload_onlyi0ee")
        known.merge(try parse("d1:pi80ee"))
        #expect(known.isUploadOnly == false)
        known.merge(try parse("d11:upload_onlyi1ee"))
        #expect(known.isUploadOnly == true)
    }

    @Test func anEmptyDictionaryIsLegal() throws {
        #expect(try parse("de") == ExtensionHandshake())
    }

    @Test(arguments: ["", "i1e", "le", "d", "d1:m", "4:spam", "garbage", "d1:mi99999999999999999999999ee", "\u{0}"])
    func whatIsNoDictionaryIsRefused(_ text: String) {
        #expect(throws: PeerWireError.extensionHandshakeMalformed) { try parse(text) }
    }

    @Test func deepNestingIsRefusedWithoutOverflow() {
        let deep = "d1:m" + String(repeating: "l", count: 30000) + String(repeating: "e", count: 30001)
        #expect(throws: PeerWireError.extensionHandshakeMalformed) { try parse(deep) }
    }

    @Test func fieldsWithoutSenseAreTakenAsAbsent() throws {
        #expect(try parse("d1:pi0e4:reqqi0ee") == ExtensionHandshake())
        #expect(try parse("d1:pi65536e4:reqqi-5ee") == ExtensionHandshake())
        #expect(try parse("d1:mi7e1:p2:664:reqq1:x1:vi1e6:yourip3:abce") == ExtensionHandshake())
        #expect(try parse("d4:reqqi9223372036854775807ee").requestQueue == Int(Int32.max))
        #expect(try parse("d1:md1:ai256e1:bi-1e1:c0:1:di5eee").extensions == ["d": 5])
    }

    @Test func longTextsAndManyExtensionsAreBounded() throws {
        let name = String(repeating: "n", count: 65)
        #expect(try parse("d1:md65:\(name)i1eee").extensions.isEmpty)
        #expect(try parse("d1:v1000:\(String(repeating: "x", count: 1000))e").client?.utf8.count == 64)
        let many = (100..<300).map { "3:\($0)i1e" }.joined()
        #expect(try parse("d1:md\(many)ee").extensions.count == 64)
    }

    @Test func aLaterHandshakeAddsAndSwitchesOff() throws {
        var known = ExtensionHandshake()
        known.merge(try parse("d1:md6:ut_pexi1e11:ut_metadatai2ee4:reqqi100e1:v1:ae"))
        known.merge(try parse("d1:md6:ut_pexi0e5:otheri3ee1:pi80ee"))
        #expect(known.extensions == ["ut_metadata": 2, "other": 3])
        #expect(known.requestQueue == 100)
        #expect(known.listenPort == 80)
        #expect(known.client == "a")
    }

    @Test func aPeerThatAddsExtensionsForEverIsBounded() throws {
        var known = ExtensionHandshake()
        for index in 1000..<1200 { known.merge(try parse("d1:md4:\(index)i1eee")) }
        #expect(known.extensions.count == 64)
    }
}
