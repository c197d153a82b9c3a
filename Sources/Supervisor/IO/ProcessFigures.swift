import Glibc

/// What the kernel says of a process, for reports.
struct ProcessFigures {
    var residentByteCount: UInt64 = 0
    var cpuSeconds: Double = 0

    /// Zeros when the process is gone.
    init(pid: Int32) {
        // Counted from the third: utime is the 14th field, stime the 15th, rss the 24th.
        let fields = ProcessFile.statFields(of: pid)
        guard fields.count > 21, let user = UInt64(fields[11]), let system = UInt64(fields[12]),
            let pages = UInt64(fields[21])
        else { return }
        cpuSeconds = Double(user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        residentByteCount = pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }
}
