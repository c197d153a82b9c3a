/// The files of `/proc` that tell of one process (proc(5)).
enum ProcessFile {
    private static let mostBytes = 1 << 20

    /// A file's text without its last line break; nil when it cannot be read: the process is gone, or its file is another
    /// user's.
    static func text(_ name: String, of pid: Int32) -> String? {
        guard let bytes = try? RegularFile.read(UserPath("/proc/\(pid)/\(name)"), limit: mostBytes) else { return nil }
        return String(decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    /// The fields of `stat` from the third on, which is the state; empty when the process is gone. The second is the
    /// program's name, which may hold blanks and brackets, so that they are counted from the last bracket.
    static func statFields(of pid: Int32) -> [Substring] {
        guard let text = text("stat", of: pid), let close = text.lastIndex(of: ")") else { return [] }
        return text[text.index(after: close)...].split(separator: " ")
    }
}
