/// A relative path that stays below the directory it is joined to: no `..`, no leading `/`, no NUL, nothing invisible,
/// within what Linux can open. Only `SafePathBuilder` makes one. Knows nothing of links on the disk; the writer does.
package struct SafePath: Sendable, CustomStringConvertible {
    /// Why a path is refused rather than repaired: it says where it wants to go, and that is outside.
    package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case absolute
        case parentDirectory
        case currentDirectory
        case separatorInside
        case nulInside
        case tooLong(limit: Int)
        case tooDeep(limit: Int)

        package var description: String {
            switch self {
            case .empty: "is empty"
            case .absolute: "is an absolute path"
            case .parentDirectory: "contains \"..\""
            case .currentDirectory: "contains \".\""
            case .separatorInside: "contains \"/\" inside a name"
            case .nulInside: "contains a NUL byte"
            case .tooLong(let limit): "is longer than \(limit) bytes"
            case .tooDeep(let limit): "is nested deeper than \(limit) folders"
            }
        }
    }

    /// PATH_MAX of Linux, less the NUL that ends a path.
    package static let maximumByteCount = 4095
    /// Longest name of all usual Linux file systems (NAME_MAX).
    package static let maximumComponentByteCount = 255
    /// Names in a path, as libtorrent's limit.
    package static let maximumDepth = 100

    /// Names joined by `/`; what is handed to the file system, byte for byte.
    package let relative: String

    init(checked relative: String) { self.relative = relative }

    package var components: [Substring] { relative.split(separator: "/") }

    /// The last name.
    package var name: Substring {
        let slash = relative.utf8.lastIndex(of: UInt8(ascii: "/"))
        return relative[(slash.map { relative.utf8.index(after: $0) } ?? relative.startIndex)...]
    }

    package var description: String { TerminalText.escaped(relative) }

    /// The same path with `~` and twelve digits before the extension of its last name: another name, always the same.
    func distinguished(by hash: UInt64) -> SafePath {
        let folder = relative.utf8.dropLast(name.utf8.count)
        let renamed = PathComponent.marked(Array(name.utf8), by: hash)
        return SafePath(checked: String(decoding: Array(folder) + renamed, as: UTF8.self))
    }
}

/// By bytes, as the file system does: `String` would call the two Unicode forms of `é` equal.
extension SafePath: Hashable {
    package static func == (left: SafePath, right: SafePath) -> Bool {
        left.relative.utf8.elementsEqual(right.relative.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in relative.utf8 { hasher.combine(byte) }
    }
}
