/// Why bytes are no torrent that can be downloaded. Every case says which field is wrong.
package enum MetainfoError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not even the beginning of one: an empty file, a web page, an image.
    case notABencodedDictionary
    case tooLarge(limit: Int)
    case malformed(BencodeError)
    case topLevelIsNoDictionary(BencodeView.Kind)
    case missing(field: String)
    case wrongKind(field: String, expected: BencodeView.Kind, found: BencodeView.Kind)
    case outOfRange(field: String, value: Int64, allowed: ClosedRange<Int64>)
    case duplicateKey(field: String)
    case bothLengthAndFiles
    case noData
    case totalTooLarge(limit: Int64)
    case tooManyPieces(count: UInt64, limit: Int)
    case piecesHoldNoWholeHashes(byteCount: Int)
    case wrongHashCount(holds: Int, needed: UInt64)
    case unsafePath(field: String, SafePath.Refusal)
    case pathsTooLong(limit: Int)
    case duplicatePath(SafePath)
    case fileIsAlsoFolder(SafePath)
    /// After names were repaired.
    case tooManyClashes(limit: Int)
    case versionTwoOnly

    /// The file is something else than a torrent (exit code 25); otherwise it is a broken or unsupported one (26).
    package var isNotBencoded: Bool {
        switch self {
        case .notABencodedDictionary, .tooLarge: true
        case .malformed, .topLevelIsNoDictionary, .missing, .wrongKind, .outOfRange, .duplicateKey, .bothLengthAndFiles,
            .noData, .totalTooLarge, .tooManyPieces, .piecesHoldNoWholeHashes, .wrongHashCount, .unsafePath,
            .pathsTooLong, .duplicatePath, .fileIsAlsoFolder, .tooManyClashes, .versionTwoOnly:
            false
        }
    }

    package var description: String {
        switch self {
        case .notABencodedDictionary: "not a bencoded dictionary"
        case .tooLarge(let limit): "larger than \(limit >> 20) MiB"
        case .malformed(let error): "\(error)"
        case .topLevelIsNoDictionary(let kind): "top level is \(Self.named(kind)), not a dictionary"
        case .missing(let field): "\(field) is missing"
        case .wrongKind(let field, let expected, let found):
            "\(field) is \(Self.named(found)) where \(Self.named(expected)) is needed"
        case .outOfRange(let field, let value, let allowed):
            "\(field) is \(value), not within \(allowed.lowerBound)…\(allowed.upperBound)"
        case .duplicateKey(let field): "\(field) appears twice"
        case .bothLengthAndFiles: "info.length and info.files are both there"
        case .noData: "no data: the total length of all files is 0"
        case .totalTooLarge(let limit): "info.files: the total length is more than \(limit) bytes"
        case .tooManyPieces(let count, let limit):
            "info.piece length makes \(count) pieces, at most \(limit) are supported"
        case .piecesHoldNoWholeHashes(let count): "info.pieces holds \(count) bytes, which is no multiple of 20"
        case .wrongHashCount(let holds, let needed): "info.pieces holds \(holds) hashes, \(needed) needed"
        case .unsafePath(let field, let refusal): "\(field) \(refusal)"
        case .pathsTooLong(let limit): "info.files: all paths together are longer than \(limit >> 20) MiB"
        case .duplicatePath(let path): "info.files: two files are called \"\(Self.excerpt(path))\""
        case .fileIsAlsoFolder(let path): "info.files: \"\(Self.excerpt(path))\" is both a file and a folder"
        case .tooManyClashes(let limit): "info.files: more than \(limit) names are the same when they are repaired"
        case .versionTwoOnly: "info is BitTorrent v2 only, which is not supported"
        }
    }

    /// A message is one line that a person reads, whatever the torrent calls its files.
    private static func excerpt(_ path: SafePath) -> String { TerminalText.excerpt(path.relative) }

    private static func named(_ kind: BencodeView.Kind) -> String {
        switch kind {
        case .integer: "an integer"
        case .string: "a string"
        case .list: "a list"
        case .dictionary: "a dictionary"
        }
    }
}
