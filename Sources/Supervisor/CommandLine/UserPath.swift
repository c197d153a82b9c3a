import BitTorrent

/// A path that the user named: bytes, since no file system asks for more than that none of them is 0. Shown repaired.
struct UserPath: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    private let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }
    init(stringLiteral text: String) { self.init(text) }

    /// - Parameter argument: as `ArgumentText` encodes a word of the command line.
    init(argument: String) { bytes = ArgumentText.bytes(of: argument) }

    /// - Precondition: no byte is 0.
    init(bytes: [UInt8]) { self.bytes = bytes }

    static func + (path: UserPath, text: String) -> UserPath { UserPath(bytes: path.bytes + text.utf8) }

    /// For messages: nothing in it moves a cursor.
    var description: String { TerminalText.escaped(bytes: bytes) }

    /// For events and other machines.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    var isEmpty: Bool { bytes.isEmpty }

    /// This path and all above it that it names, from the outermost; `/` and empty names left out.
    var prefixes: [UserPath] {
        var prefixes: [UserPath] = []
        for end in bytes.indices where bytes[end] != Self.slash {
            let isLast = end + 1 == bytes.count
            if isLast || bytes[end + 1] == Self.slash { prefixes.append(UserPath(bytes: Array(bytes[...end]))) }
        }
        return prefixes
    }

    /// The directory that holds what the path names.
    var parent: UserPath {
        guard let slash = bytes.lastIndex(of: Self.slash) else { return "." }
        return slash == 0 ? "/" : UserPath(bytes: Array(bytes[..<slash]))
    }

    /// The last name that the path has; `.` and `..` as they are, empty for `/`.
    var name: UserPath {
        let end = bytes.lastIndex { $0 != Self.slash }.map { $0 + 1 } ?? 0
        let start = bytes[..<end].lastIndex(of: Self.slash).map { $0 + 1 } ?? 0
        return UserPath(bytes: Array(bytes[start..<end]))
    }

    /// nil when it is no UTF-8.
    var validText: String? { String(validating: bytes, as: UTF8.self) }

    /// For system calls.
    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { body($0.baseAddress!) }
    }

    private static let slash = UInt8(ascii: "/")
}
