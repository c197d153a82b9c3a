package import TestSupport

/// Changes of an input as a fuzzer makes them, for tests that run without one: the same for the same generator.
package enum Mutations {
    private static let interesting: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF] + Array("0123456789ilde:-/\n\r ".utf8)

    /// - Parameter others: seeds of the same target, of which parts are taken.
    package static func mutated(
        _ seed: [UInt8], others: [[UInt8]], using generator: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...bytes.count, using: &generator)
            let end = min(bytes.count, place + Int.random(in: 1...8, using: &generator))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: if place < bytes.count { bytes[place] = UInt8.random(in: 0 ... .max, using: &generator) }
            case 1: if place < bytes.count { bytes[place] = interesting.randomElement(using: &generator)! }
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 4: bytes.removeLast(bytes.count - place)
            default:
                let other = others.randomElement(using: &generator)!
                bytes.replaceSubrange(
                    place..<end, with: other.suffix(Int.random(in: 0...other.count, using: &generator)))
            }
        }
        return bytes
    }
}
