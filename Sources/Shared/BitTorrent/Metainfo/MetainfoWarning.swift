/// Something odd in a torrent that does not keep it from being downloaded.
package enum MetainfoWarning: Hashable, Sendable, CustomStringConvertible {
    case trailingBytes(count: Int)
    /// An optional field of the wrong kind, or text that was too long.
    case fieldIgnored(String)
    case trackerSkipped(field: String, TrackerURLError)
    case webSeedSkipped(field: String)
    case tooManyURLs(field: String, limit: Int)
    /// A name held what cannot be shown or stored (invisible characters, bytes that are no UTF-8, too many of them).
    case nameRepaired(field: String, SafePath)
    /// Its repaired name was another file's.
    case renamed(field: String, SafePath)
    /// A symbolic link of BEP 47 is not created.
    case linkIgnored(field: String)
    /// Harmless on Linux's own file systems; others would take the two for one file.
    case namesDifferOnlyInForm(SafePath, SafePath)
    case more(count: Int)

    package var description: String {
        switch self {
        case .trailingBytes(let count): "\(count) bytes after the end are ignored"
        case .fieldIgnored(let field): "\(field) is not of the expected kind and is ignored"
        case .trackerSkipped(let field, let error): "\(field) is skipped: \(error)"
        case .webSeedSkipped(let field): "\(field) is skipped: it is no http or https URL"
        case .tooManyURLs(let field, let limit): "\(field) and those after it are skipped: more than \(limit) URLs"
        case .nameRepaired(let field, let path): "\(field) is stored as \"\(path)\""
        case .renamed(let field, let path): "\(field) clashes with another and is stored as \"\(path)\""
        case .linkIgnored(let field): "\(field) is a symbolic link, which is not created"
        case .namesDifferOnlyInForm(let first, let second): "\"\(first)\" and \"\(second)\" differ only in case or form"
        case .more(let count): "\(count) more warnings"
        }
    }
}

/// Collects warnings; a hostile torrent with half a million odd names costs a bounded list.
struct WarningLog {
    /// A guess at what a person reads.
    static let limit = 100
    private var kept: [MetainfoWarning] = []
    private var omittedCount = 0

    mutating func add(_ warning: @autoclosure () -> MetainfoWarning) {
        if kept.count < Self.limit { kept.append(warning()) } else { omittedCount += 1 }
    }

    var warnings: [MetainfoWarning] { omittedCount == 0 ? kept : kept + [.more(count: omittedCount)] }
}
