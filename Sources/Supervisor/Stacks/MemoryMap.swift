/// Which file each part of a process's memory comes from, as `/proc/PID/maps` says (proc_pid_maps(5)).
struct MemoryMap {
    struct Part: Equatable {
        var addresses: Range<UInt64>
        /// Of the first byte.
        var fileOffset: UInt64
        var path: String
    }

    /// Parts with a file and a right to be executed; ascending.
    private(set) var parts: [Part] = []

    /// Lines that are none are passed over.
    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            guard fields.count == 6, fields[1].contains("x") else { continue }
            // Paths stand in a column.
            let path = fields[5].drop { $0 == " " }
            guard path.hasPrefix("/") else { continue }
            let bounds = fields[0].split(separator: "-")
            guard bounds.count == 2, let start = UInt64(bounds[0], radix: 16), let end = UInt64(bounds[1], radix: 16),
                start < end, let offset = UInt64(fields[2], radix: 16)
            else { continue }
            parts.append(Part(addresses: start..<end, fileOffset: offset, path: String(path)))
        }
    }

    func part(at address: UInt64) -> Part? { parts.first { $0.addresses.contains(address) } }
}
