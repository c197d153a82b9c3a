import BitTorrent
import Testing

struct BencodeRoundTripTests {
    @Test func encoderWritesTheFormsOfBEP3() {
        let value: BencodeValue = ["spam": ["a", -3, 0], "cow": "moo", "empty": [:]]
        let bytes = BencodeEncoder().encode(value)
        #expect(String(decoding: bytes, as: UTF8.self) == "d3:cow3:moo5:emptyde4:spaml1:ai-3ei0eee")
    }

    @Test func encoderSortsKeysByRawBytes() {
        let value = BencodeValue.dictionary([
            .init([0xFF], 1), .init("é", 2), .init("b", 3), .init("B", 4), .init("", 5),
        ])
        let keys = try? BencodeDecoder(limits: .message).decode(BencodeEncoder().encode(value)).value.entries?
            .map { Array($0.key) }
        #expect(keys == [[], [0x42], [0x62], Array("é".utf8), [0xFF]])
    }

    @Test func givenOrderIsKeptWhenAsked() {
        let value: BencodeValue = ["b": 1, "a": 2]
        #expect(BencodeEncoder(keyOrder: .given).encode(value) == Array("d1:bi1e1:ai2ee".utf8))
    }

    @Test func keysAreSetReplacedAndTakenAway() {
        var value: BencodeValue = ["a": 1]
        value["b"] = 2
        value["a"] = 3
        #expect(value == ["a": 3, "b": 2])
        value["a"] = nil
        #expect(value == ["b": 2])
        #expect(value["a"] == nil)
    }

    @Test func whatIsEncodedIsDecodedToTheSame() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("bencode round trip: seed \(seed)")
        var generator = FuzzGenerator(seed: seed)
        for _ in 0..<500 {
            let value = Self.value(depth: 5, using: &generator)
            let bytes = BencodeEncoder(keyOrder: .given).encode(value)
            let (view, rest) = try BencodeDecoder(limits: .metainfo, duplicateKeys: .refused).decode(bytes)
            #expect(BencodeValue(view) == value, "seed \(seed)")
            #expect(rest.isEmpty, "seed \(seed)")
            #expect(BencodeEncoder(keyOrder: .given).encode(BencodeValue(view)) == bytes, "seed \(seed)")
        }
    }

    private static func value(depth: Int, using generator: inout FuzzGenerator) -> BencodeValue {
        switch Int.random(in: 0..<(depth > 0 ? 4 : 2), using: &generator) {
        case 0:
            return .integer(Int64(truncatingIfNeeded: generator.next()) >> Int64.random(in: 0..<64, using: &generator))
        case 1: return .string(bytes(using: &generator))
        case 2:
            return .list(
                (0..<Int.random(in: 0..<5, using: &generator)).map { _ in value(depth: depth - 1, using: &generator) })
        default:
            var keys: Set<[UInt8]> = []
            for _ in 0..<Int.random(in: 0..<5, using: &generator) { keys.insert(bytes(using: &generator)) }
            let inOrder = keys.sorted { $0.lexicographicallyPrecedes($1) }.shuffled(using: &generator)
            return .dictionary(inOrder.map { .init($0, value(depth: depth - 1, using: &generator)) })
        }
    }

    private static func bytes(using generator: inout FuzzGenerator) -> [UInt8] {
        (0..<Int.random(in: 0..<30, using: &generator)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }
}
