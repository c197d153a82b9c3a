import Glibc

/// The names in a directory, in no order, without `.` and `..`.
enum DirectoryNames {
    /// Of a directory of our own or of the kernel's. Empty when it cannot be read.
    static func all(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        return read(stream).names.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Reads an open directory from where it stands, and closes it.
    /// - Returns: the names as they are, and 0 or the errno that came before the end.
    static func read(_ stream: OpaquePointer) -> (names: [[UInt8]], error: CInt) {
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { return (names, errno) }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != [UInt8(ascii: ".")] && name != [UInt8(ascii: "."), UInt8(ascii: ".")] { names.append(name) }
        }
    }
}
