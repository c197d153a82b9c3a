import BitTorrent
import Testing

/// Random and damaged bytes: the decoder says no or gives a view that can be walked to its end. It never traps.
struct BencodeFuzzTests {
    @Test func randomLettersOfBencodeNeverTrap() {
        let seed = UInt64.random(in: 0 ... .max)
        print("bencode fuzz: seed \(seed)")
        var generator = FuzzGenerator(seed: seed)
        let letters = Array("ilde0123456789:-aaee\0\u{7F}".utf8)
        var decodedCount = 0
        for _ in 0..<10_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &generator)).map { _ in
                letters.randomElement(using: &generator)!
            }
            if walk(bytes, duplicateKeys: .refused) { decodedCount += 1 }
        }
        #expect(decodedCount > 5, "the letters should now and then make a value; seed \(seed)")
    }

    @Test func damagedTorrentsNeverTrap() {
        let seed = UInt64.random(in: 0 ... .max)
        print("damaged torrents: seed \(seed)")
        var generator = FuzzGenerator(seed: seed)
        let sound = Array(
            "d8:announce13:http://a.b/an4:infod5:filesld6:lengthi5e4:pathl1:a1:beee4:name1:n6:pieces0:ee".utf8)
        for _ in 0..<5_000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1..<4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &generator)], at: place)
                }
            }
            walk(bytes, duplicateKeys: .kept)
            walk(bytes, duplicateKeys: .refused)
        }
    }

    @discardableResult private func walk(_ bytes: [UInt8], duplicateKeys: BencodeDecoder.DuplicateKeys) -> Bool {
        guard let decoded = try? BencodeDecoder(limits: .message, duplicateKeys: duplicateKeys).decode(bytes) else {
            return false
        }
        let copy = BencodeValue(decoded.value)
        // Strict integers and lengths: every value has one form, so writing it again gives the same bytes.
        #expect(BencodeEncoder(keyOrder: .given).encode(copy) == Array(decoded.value.rawBytes))
        #expect(decoded.value.rawBytes.endIndex == decoded.rest.startIndex)
        return true
    }
}
