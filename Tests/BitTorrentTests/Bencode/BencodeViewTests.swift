import BitTorrent
import Testing

struct BencodeViewTests {
    private let view: BencodeView

    init() throws {
        let text = "d4:listli1e2:abdee3:onei-1e5:innerd1:k1:vee"
        view = try BencodeDecoder(limits: .metainfo).decode(Array(text.utf8)).value
    }

    @Test func valuesAreFoundByTheirKey() {
        #expect(view["one"]?.integer == -1)
        #expect(view["inner"]?["k"]?.text == "v")
        #expect(view["missing"] == nil)
        #expect(view["one"]?["k"] == nil, "a number has no keys")
    }

    @Test func childrenComeInTheirOrder() throws {
        #expect(view.entries.map { $0.map { String(decoding: $0.key, as: UTF8.self) } } == ["list", "one", "inner"])
        let list = try #require(view["list"]?.elements)
        #expect(list.map(\.kind) == [.integer, .string, .dictionary])
    }

    @Test func aValueIsOnlyWhatItIs() throws {
        let number = try #require(view["one"])
        #expect(number.string == nil && number.text == nil && number.elements == nil && number.entries == nil)
        let list = try #require(view["list"])
        #expect(list.integer == nil && list.string == nil && list.entries == nil)
    }

    @Test func rawBytesAreTheBytesThatCame() {
        #expect(view["inner"]?.rawBytes.elementsEqual("d1:k1:ve".utf8) == true)
        #expect(view["one"]?.rawBytes.elementsEqual("i-1e".utf8) == true)
    }

    @Test func firstOfTwoEqualKeysCounts() throws {
        let twice = try BencodeDecoder(limits: .message).decode(Array("d1:ai1e1:ai2ee".utf8)).value
        #expect(twice["a"]?.integer == 1)
    }

    @Test func sliceOfALongerBufferIsReadInPlace() throws {
        let buffer = Array("xxxd1:ai7eeyyy".utf8)
        let (value, rest) = try BencodeDecoder(limits: .message).decode(buffer[3...])
        #expect(value["a"]?.integer == 7)
        #expect(value.rawBytes.indices == 3..<11)
        #expect(rest.startIndex == 11)
    }
}
