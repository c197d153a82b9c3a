/// Bytes of a .torrent file to `Metainfo`, or the name of the field that is wrong. Reads in place: besides the bytes
/// themselves it needs little memory. Opens nothing.
package enum MetainfoParser {
    package static let maximumByteCount = BencodeDecoder.Limits.metainfo.byteCount

    package static func parse(_ bytes: [UInt8]) throws(MetainfoError) -> Metainfo {
        guard bytes.count <= maximumByteCount else { throw .tooLarge(limit: maximumByteCount) }
        guard looksBencoded(bytes) else { throw .notABencodedDictionary }
        var log = WarningLog()
        let (root, rest) = try decode(bytes[...], duplicateKeys: .kept)
        if !rest.isEmpty { log.add(.trailingBytes(count: rest.count)) }
        guard let entries = root.entries else { throw .topLevelIsNoDictionary(root.kind) }
        var info: BencodeView?
        for (key, value) in entries where key.elementsEqual("info".utf8) {
            guard info == nil else { throw .duplicateKey(field: "info") }
            info = value
        }
        guard let info else { throw .missing(field: "info") }
        return try metainfo(info.rawBytes, outer: OuterFields(root, log: &log), log: log)
    }

    /// The `info` dictionary alone, as peers hand it out (BEP 9).
    package static func parse(infoDictionary bytes: [UInt8]) throws(MetainfoError) -> Metainfo {
        guard bytes.count <= maximumByteCount else { throw .tooLarge(limit: maximumByteCount) }
        guard looksBencoded(bytes) else { throw .notABencodedDictionary }
        return try metainfo(bytes[...], outer: OuterFields(), log: WarningLog())
    }

    /// - Parameter bytes: `info` as it came.
    private static func metainfo(
        _ bytes: ArraySlice<UInt8>, outer: OuterFields, log: WarningLog
    ) throws(MetainfoError) -> Metainfo {
        var log = log
        // The second pass over `info` refuses what is tolerable outside: two readers may take different duplicates.
        let (info, rest) = try decode(bytes, duplicateKeys: .refused)
        if !rest.isEmpty { log.add(.trailingBytes(count: rest.count)) }
        let fields = try InfoFields(info, log: &log)
        let hash = InfoHash(SHA1.hash(of: info.rawBytes.span))
        return Metainfo(infoHash: hash, info: fields, outer: outer, warnings: log.warnings)
    }

    private static func decode(
        _ bytes: ArraySlice<UInt8>, duplicateKeys: BencodeDecoder.DuplicateKeys
    ) throws(MetainfoError) -> (value: BencodeView, rest: ArraySlice<UInt8>) {
        do throws(BencodeError) {
            return try BencodeDecoder(limits: .metainfo, duplicateKeys: duplicateKeys).decode(bytes)
        } catch {
            if case .duplicateKey(let key) = error.reason { throw .duplicateKey(field: "info: key \"\(key)\"") }
            throw .malformed(error)
        }
    }

    /// Whether the first bytes could begin a bencoded value; tells a damaged torrent from a file of another kind.
    private static func looksBencoded(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first else { return false }
        let second = bytes.dropFirst().first
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { Bencode.digits.contains($0) } ?? false }
        switch first {
        case Bencode.dictionary: return isDigit(second) || second == Bencode.end
        case Bencode.integer: return isDigit(second) || second == Bencode.end || second == UInt8(ascii: "-")
        case Bencode.list:
            return isDigit(second) || [Bencode.end, Bencode.list, Bencode.dictionary, Bencode.integer].contains(second)
        case Bencode.digits: return bytes.prefix(24).drop(while: isDigit).first == Bencode.colon
        default: return false
        }
    }
}
