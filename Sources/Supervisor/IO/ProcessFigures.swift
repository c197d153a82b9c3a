import Glibc

/// What the kernel says of a process, for reports.
struct ProcessFigures {
    var residentByteCount: UInt64 = 0
    var cpuSeconds: Double = 0

    /// Reads `/proc`; zeros when the process is gone.
    init(pid: Int32) {
        // Fields of proc(5): utime is the 14th, stime the 15th, rss the 24th; the name may hold blanks, so count from
        // the closing bracket, behind which the third field begins.
        let text = Self.read("/proc/\(pid)/stat")
        guard let close = text.lastIndex(of: ")") else { return }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 21, let user = UInt64(fields[11]), let system = UInt64(fields[12]),
            let pages = UInt64(fields[21])
        else { return }
        cpuSeconds = Double(user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        residentByteCount = pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
    }
}
