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
