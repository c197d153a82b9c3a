/// One door through which bytes of strangers come in: runs them through it and holds the result against what it promises.
/// The same code runs under libFuzzer (`scripts/fuzz`) and in the unit tests (`FuzzingTests`).
package protocol FuzzTarget: Sendable {
    /// As `scripts/fuzz` calls it.
    static var name: String { get }
    /// Inputs to begin with, made by the project's own encoders: always the same.
    static var seeds: [[UInt8]] { get }
    /// - Throws: `BrokenPromise`; a crash is a finding as well.
    static func run(_ input: [UInt8]) throws
}

/// What a door promises and did not keep.
package struct BrokenPromise: Error, CustomStringConvertible {
    package let description: String
}

package enum FuzzTargets {
    package static let all: [any FuzzTarget.Type] = [
        PeerConversationTarget.self, PeerStreamTarget.self, PoolFrameTarget.self, JournalTarget.self,
        MetainfoTarget.self,
        ExtensionTarget.self, HTTPTrackerTarget.self, UDPTrackerTarget.self, ControlLineTarget.self,
        BencodeTarget.self, LocalDiscoveryTarget.self,
    ]
}

func promise(_ holds: Bool, _ text: @autoclosure () -> String) throws {
    if !holds { throw BrokenPromise(description: text()) }
}

/// Reads an input as a script: numbers for choices, and runs of bytes. Gives zeros when nothing is left.
struct Script {
    private var rest: ArraySlice<UInt8>

    init(_ input: [UInt8]) { rest = input[...] }

    var isAtEnd: Bool { rest.isEmpty }
    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }
    mutating func number() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }

    /// As many as the two bytes in front of them say, or all that are left.
    mutating func run() -> [UInt8] {
        let byteCount = Int(number())
        let part = rest.prefix(byteCount)
        rest = rest.dropFirst(part.count)
        return Array(part)
    }

    /// What `run` reads.
    static func run(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }
}
