/// Turns the names of a path in a torrent into a `SafePath`: refuses what points elsewhere, repairs what cannot be
/// shown or stored. The result depends on the bytes alone, so a path is the same in every run.
package struct SafePathBuilder {
    private var bytes: [UInt8] = []
    private var depth = 0
    private var appendedCount = 0
    private var startsEmpty = false
    private var fingerprint = Fingerprint()
    /// A name was changed, or left out because it was empty.
    package private(set) var isRepaired = false

    package init() {}

    /// Continues below a folder that was checked before; `isRepaired` and `rawFingerprint` speak of what is appended.
    package init(below folder: SafePath) {
        bytes = Array(folder.relative.utf8)
        depth = folder.components.count
    }

    /// FNV-1a over the appended names as they came; tells two paths apart whose repaired forms are equal.
    package var rawFingerprint: UInt64 { fingerprint.value }

    package mutating func append(_ name: ArraySlice<UInt8>) throws(SafePath.Refusal) {
        guard !name.isEmpty else {
            isRepaired = true
            startsEmpty = startsEmpty || appendedCount == 0
            return
        }
        // An empty name in front of others is how "/etc" looks when it is split at its slashes.
        guard !startsEmpty else { throw .absolute }
        guard name.count <= SafePath.maximumByteCount else { throw .tooLong(limit: SafePath.maximumByteCount) }
        appendedCount += 1
        depth += 1
        guard depth <= SafePath.maximumDepth else { throw .tooDeep(limit: SafePath.maximumDepth) }
        fingerprint.add(name)
        fingerprint.add(0)
        if !bytes.isEmpty { bytes.append(UInt8(ascii: "/")) }
        if try PathComponent.append(name, to: &bytes) { isRepaired = true }
        guard bytes.count <= SafePath.maximumByteCount else { throw .tooLong(limit: SafePath.maximumByteCount) }
    }

    package func finished() throws(SafePath.Refusal) -> SafePath {
        guard appendedCount > 0 else { throw .empty }
        return SafePath(checked: String(decoding: bytes, as: UTF8.self))
    }

    /// A path of one name.
    package static func path(name: ArraySlice<UInt8>) throws(SafePath.Refusal) -> (path: SafePath, isRepaired: Bool) {
        var builder = SafePathBuilder()
        try builder.append(name)
        return (try builder.finished(), builder.isRepaired)
    }
}

/// FNV-1a with 64 bits: not for secrets, only the same in every run, which Swift's `Hasher` is not.
struct Fingerprint {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    mutating func add(_ bytes: some Sequence<UInt8>) { for byte in bytes { add(byte) } }
}
