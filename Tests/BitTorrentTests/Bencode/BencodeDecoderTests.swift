import BitTorrent
import Testing

/// What the strict decoder takes and refuses (BEP 3; the parse cases of hostile torrents).
struct BencodeDecoderTests {
    private func decode(
        _ text: String, _ duplicateKeys: BencodeDecoder.DuplicateKeys = .kept
    ) throws(BencodeError) -> BencodeView {
        try BencodeDecoder(limits: .metainfo, duplicateKeys: duplicateKeys).decode(Array(text.utf8)).value
    }

    @Test(arguments: [
        ("i0e", 0), ("i42e", 42), ("i-42e", -42), ("i9223372036854775807e", Int64.max),
        ("i-9223372036854775808e", Int64.min),
    ])
    func integersOf64BitsAreRead(text: String, value: Int64) throws {
        #expect(try decode(text).integer == value)
    }

    @Test(arguments: ["ie", "i-e", "i-0e", "i01e", "i-01e", "i00e", "i1xe", "i 1e", "i+1e", "i1.5e", "i--1e", "i0-e"])
    func malformedIntegersAreRefused(text: String) {
        #expect(throws: BencodeError(.malformedInteger, at: 0)) { try decode(text) }
    }

    @Test(arguments: [
        "i9223372036854775808e", "i-9223372036854775809e", "i18446744073709551615e", "i18446744073709551616e",
        "i99999999999999999999999999999999e",
    ])
    func integersBeyond64BitsAreRefused(text: String) {
        #expect(throws: BencodeError(.integerOutOfRange, at: 0)) { try decode(text) }
    }

    @Test func stringsAreReadAsBytes() throws {
        #expect(try decode("0:").string == [])
        #expect(try decode("4:spam").text == "spam")
        let binary: [UInt8] = Array("3:".utf8) + [0, 0xFF, 0x65]
        #expect(try BencodeDecoder(limits: .message).decode(binary).value.string == [0, 0xFF, 0x65])
    }

    @Test(arguments: [
        ("01:a", BencodeError.Reason.malformedStringLength), ("00:", .malformedStringLength),
        ("-1:a", .malformedStringLength), ("1a", .malformedStringLength), ("5:spam", .stringPastEnd),
        ("99999999:a", .stringPastEnd), ("18446744073709551615:a", .stringPastEnd),
        ("99999999999999999999999999999999999999:a", .stringPastEnd),
    ])
    func lyingStringLengthsAreRefused(text: String, reason: BencodeError.Reason) {
        #expect(throws: BencodeError(reason, at: 0)) { try decode(text) }
    }

    @Test func everyPrefixOfASoundValueEndsTooEarlyOrIsRefused() {
        let whole = Array("d3:keyli1ei-20e4:spamdee5:other0:e".utf8)
        #expect(throws: Never.self) { try BencodeDecoder(limits: .metainfo).decode(whole) }
        for count in 0..<whole.count {
            #expect(throws: BencodeError.self, "\(count) bytes") {
                try BencodeDecoder(limits: .metainfo).decode(whole[..<count])
            }
        }
    }

    @Test(arguments: [
        ("e", 0), ("x", 0), ("lxe", 1), ("d1:ae", 4), ("<html>", 0), (" 4:spam", 0), ("d1:a1:b1:ce", 10),
    ])
    func bytesThatStartNoValueAreRefused(text: String, offset: Int) throws {
        let error = #expect(throws: BencodeError.self) { try decode(text) }
        guard case .unexpectedByte = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.offset == offset)
    }

    @Test(arguments: ["di1ei2ee", "dle1:ae", "dde1:ae"])
    func keysThatAreNoStringsAreRefused(text: String) {
        #expect(throws: BencodeError(.keyIsNoString, at: 1)) { try decode(text) }
    }

    @Test func hundredLevelsAreReadAndOneMoreIsRefused() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "l", count: depth) + String(repeating: "e", count: depth)
        }
        #expect(try decode(nested(100)).kind == .list)
        #expect(throws: BencodeError(.nestedTooDeep(limit: 100), at: 100)) { try decode(nested(101)) }
    }

    @Test(arguments: [1_000, 1_000_000])
    func openListsWithoutEndExhaustNoStack(depth: Int) {
        #expect(throws: BencodeError(.nestedTooDeep(limit: 100), at: 100)) {
            try decode(String(repeating: "l", count: depth))
        }
        #expect(throws: BencodeError(.nestedTooDeep(limit: 100), at: 300)) {
            try decode(String(repeating: "d0:", count: depth))
        }
    }

    @Test func itemsAreCountedAgainstTheLimit() throws {
        let limits = BencodeDecoder.Limits(byteCount: 1_000, depth: 4, itemCount: 10)
        func list(_ count: Int) -> [UInt8] { Array(("l" + String(repeating: "0:", count: count) + "e").utf8) }
        #expect(try BencodeDecoder(limits: limits).decode(list(9)).value.elements.map { Array($0) }?.count == 9)
        #expect(throws: BencodeError(.tooManyItems(limit: 10), at: 19)) {
            try BencodeDecoder(limits: limits).decode(list(10))
        }
    }

    @Test func moreBytesThanTheLimitAreRefusedUnread() {
        let limits = BencodeDecoder.Limits(byteCount: 5, depth: 4, itemCount: 10)
        #expect(throws: Never.self) { try BencodeDecoder(limits: limits).decode(Array("3:abc".utf8)) }
        #expect(throws: BencodeError(.tooLarge(limit: 5), at: 5)) {
            try BencodeDecoder(limits: limits).decode(Array("xxxxxx".utf8))
        }
    }

    @Test func whatFollowsTheValueIsHandedBack() throws {
        // A piece of metadata follows its dictionary without a separator (BEP 9).
        let message = Array("d8:msg_typei1eeDATA".utf8)
        let (value, rest) = try BencodeDecoder(limits: .message).decode(message)
        #expect(value["msg_type"]?.integer == 1)
        #expect(rest.elementsEqual("DATA".utf8))
    }

    @Test func unsortedKeysAreReadAndKeepTheirRawBytes() throws {
        let text = "d1:bi1e1:ai2ee"
        let value = try decode(text, .refused)
        #expect(value["a"]?.integer == 2)
        #expect(value.rawBytes.elementsEqual(text.utf8))
    }

    @Test(arguments: [
        "d1:ai1e1:ai2ee", "d1:bi1e1:ai2e1:bi3ee", "ld1:bi1e1:a1:x1:b1:yee", "d1:xd2:zz0:2:aa0:2:zz0:ee",
        "d1:b0:1:ad1:z0:1:y0:e1:b0:e",
    ])
    func duplicateKeysAreRefusedWhereAsked(text: String) throws {
        #expect(throws: Never.self) { try decode(text, .kept) }
        let error = #expect(throws: BencodeError.self) { try decode(text, .refused) }
        guard case .duplicateKey = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        "d1:ad1:a0:e1:bd1:a0:ee", "d1:bd1:b0:1:a0:e1:ad1:b0:1:a0:ee", "ld1:a0:ed1:a0:ee", "d1:a0:2:aa0:0:0:e",
    ])
    func equalKeysOfDifferentDictionariesAreNoDuplicates(text: String) {
        #expect(throws: Never.self) { try decode(text, .refused) }
    }

    @Test func duplicateKeyIsNamedEscaped() {
        #expect(throws: BencodeError(.duplicateKey("\\u{1b}[2J"), at: 9)) {
            try decode("d4:\u{1B}[2J0:4:\u{1B}[2J0:e", .refused)
        }
    }
}
