import BitTorrent
import CSHA1
import Testing

/// Published vectors, and streams cut in every way.
@Suite struct SHA1Tests {
    /// FIPS 180-4 and its examples (NIST, "SHA1.pdf"), with the digests printed there.
    static let published: [(message: String, digest: String)] = [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "a49b2446a02c645bf419f995b67091253a04a259"
        ),
    ]

    @Test(arguments: published) func publishedVectorsHold(vector: (message: String, digest: String)) {
        #expect(SHA1.hash(of: Array(vector.message.utf8)).hex == vector.digest)
    }

    @Test func aMillionTimesTheLetterAHasItsPublishedDigest() {
        var hash = SHA1()
        let part = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000)
        for _ in 0..<1_000 { hash.update(part) }
        #expect(hash.finalize().hex == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
    }

    @Test func everyCutInTwoGivesTheSameDigest() {
        var random = SeededBytes()
        for byteCount in [1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 129, 200] {
            let message = random.bytes(byteCount)
            let whole = SHA1.hash(of: message)
            for cut in 0...byteCount {
                var hash = SHA1()
                hash.update(Array(message[..<cut]))
                hash.update(Array(message[cut...]))
                #expect(hash.finalize() == whole, "\(byteCount) bytes cut at \(cut), seed \(random.seed)")
            }
        }
    }

    @Test func randomCutsGiveTheSameDigest() {
        var random = SeededBytes()
        for _ in 0..<200 {
            let message = random.bytes(.random(in: 0...2_000, using: &random))
            var hash = SHA1()
            var rest = message[...]
            while !rest.isEmpty {
                let part = rest.prefix(.random(in: 0...300, using: &random))
                // Each of the ways to hand bytes over takes its turn.
                switch Int.random(in: 0..<4, using: &random) {
                case 0: hash.update(Array(part))
                case 1: hash.update(part.span)
                case 2: hash.update(part.span.bytes)
                default: part.withUnsafeBytes { hash.update($0) }
                }
                rest = rest.dropFirst(part.count)
            }
            #expect(hash.finalize() == SHA1.hash(of: message), "\(message.count) bytes, seed \(random.seed)")
        }
    }

    @Test func aCopiedStreamGoesOnByItself() {
        var first = SHA1()
        first.update(Array("ab".utf8))
        var second = first
        first.update(Array("c".utf8))
        second.update(Array("d".utf8))
        #expect(first.finalize() == SHA1.hash(of: Array("abc".utf8)))
        #expect(second.finalize() == SHA1.hash(of: Array("abd".utf8)))
    }

    @Test func allWaysToHashAWholeMessageAgree() {
        let message = Array("abc".utf8)
        let expected = "a9993e364706816aba3e25717850c26c9cd0d89d"
        #expect(SHA1.hash(of: message).hex == expected)
        #expect(SHA1.hash(of: message.span).hex == expected)
        #expect(SHA1.hash(of: message.span.bytes).hex == expected)
        #expect(message.withUnsafeBytes { SHA1.hash(of: $0) }.hex == expected)
    }

    @Test func aStateEndsWithATailOfAnyLength() {
        var random = SeededBytes()
        let message = random.bytes(300)
        for byteCount in 0...300 {
            let part = Array(message[..<byteCount])
            for blockCount in 0...(byteCount / 64) {
                var state = SHA1State()
                state.compress(part.span.bytes.extracting(first: blockCount * 64))
                let tail = part.span.bytes.extracting(droppingFirst: blockCount * 64)
                var stream = SHA1()
                for byte in part { stream.update([byte]) }
                #expect(
                    state.digest(tail: tail, messageByteCount: UInt64(byteCount)) == stream.finalize(),
                    "\(byteCount) bytes, \(blockCount) blocks first, seed \(random.seed)")
            }
        }
    }

    @Test func aLengthBeyondFourGigabytesEntersThePadding() {
        // The state does not know how long the message was. 2^32 bytes are 2^35 bits: the fourth byte of the length.
        var block = [UInt8](repeating: 0, count: 64)
        block[0] = 0x80
        block[59] = 0x08
        let words = block.withUnsafeBufferPointer {
            SHA1KernelTests.advance(
                [SHA1KernelTests.initial], over: [$0.baseAddress], blockCount: 1, with: CSHA1_KERNEL_SCALAR)
        }
        let digest = SHA1State().digest(tail: [UInt8]().span.bytes, messageByteCount: 1 << 32)
        #expect(words?.map(SHA1KernelTests.hex) == [digest.hex])
    }

    @Test func aStateIsTwentyBytes() {
        #expect(MemoryLayout<SHA1State>.size == 20)
        #expect(MemoryLayout<SHA1State>.stride == 20)
    }
}
