/// One caller of a thread's stack, as a person reads it.
struct StackLine: Equatable, CustomStringConvertible {
    /// The function, without mangling; nil when its file does not name it.
    var function: String?
    /// The last part of the file's path; nil for memory that is of no file.
    var file: String?
    var address: UInt64

    var description: String {
        let place = function ?? "0x" + String(address, radix: 16)
        return file.map { "\(place) (\($0))" } ?? place
    }

    /// A name as the linker knows it, without mangling and without what only the compiler wants to know.
    static func readable(_ name: String) -> String {
        var text = demangled(name) ?? name
        for (noise, word) in [("specialized ", ""), ("partial apply forwarder for ", ""), ("merged ", "")] {
            text = text.replacing(noise, with: word)
        }
        for (noise, word) in [("generic specialization <", " of "), ("function signature specialization <", " of ")]
        where text.hasPrefix(noise) {
            if let range = text.firstRange(of: word) { text = String(text[range.upperBound...]) }
        }
        return text.count <= mostCharacters ? text : text.prefix(mostCharacters - 1) + "…"
    }

    private static let mostCharacters = 140
    private static let mostCallers = 8

    /// The innermost callers in one line, for a log: "in a < b < c"; empty when there is none.
    static func summary(of lines: [StackLine]) -> String {
        lines.isEmpty ? "" : "in " + lines.prefix(mostCallers).map(\.description).joined(separator: " < ")
    }

    /// Whether the innermost callers, up to the loop, are all the loop's own steps or calls of libraries: no handler's.
    static func isLoopAlone(_ lines: [StackLine]) -> Bool {
        guard let loop = lines.firstIndex(where: { $0.function?.contains("PollLoop.") == true }) else { return false }
        return lines[..<loop].allSatisfy { $0.file != nil || $0.module.map(loopModules.contains) == true }
    }

    /// Whose code a loop runs between two handlers.
    private static let loopModules: Set<Substring> = ["BitTorrent", "PoolRuntime"]

    /// The module of a Swift function; nil for others. It begins the first word with a point: "closure #1 in M.T.run() -> ()".
    private var module: Substring? {
        function?.split(separator: " ").first { $0.contains(".") }?.prefix { $0 != "." }
    }

    /// Of the Swift runtime.
    private static func demangled(_ name: String) -> String? {
        guard name.hasPrefix("$s"),
            let text = demangle(name, name.utf8.count, nil, nil, 0)
        else { return nil }
        defer { text.deallocate() }
        return String(cString: text)
    }
}

/// `swift_demangle` of the runtime: the caller frees what it returns.
@_silgen_name("swift_demangle")
private func demangle(
    _ name: UnsafePointer<CChar>, _ byteCount: Int, _ buffer: UnsafeMutablePointer<CChar>?,
    _ bufferByteCount: UnsafeMutablePointer<Int>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?
