import BitTorrent
import CLinux
import Glibc
import PoolRuntime

/// Where the loop of a worker is: asks its thread by a signal, and finds the names of the addresses that it tells. Used
/// when somebody wants to know, and when a worker dies of a fault or stands still; never while all is well.
enum WorkerStack {
    /// A thread that has a core tells at once; on a busy machine it waits for its turn first.
    private static let patience: Duration = .milliseconds(100)
    private static let stepMicroseconds: UInt32 = 200
    private static let mostLooks = 5

    /// Where the thread is now, innermost first; empty when it does not say so in 100 ms, or cannot: it is stopped, or
    /// waits for a disk.
    static func now(of process: WorkerProcess) -> [StackLine] {
        let pid = process.child.processID, before = process.status.stack?.sequence ?? 0
        guard let state = ProcessFile.statFields(of: pid).first, state == "R" || state == "S",
            clinux_signal_first_thread(pid, StatusPageReader.stackSignal) == 0
        else { return [] }
        let deadline = MonotonicClock.now + patience
        while MonotonicClock.now < deadline {
            if let told = process.status.stack, told.sequence != before {
                return lines(
                    of: told, program: "/proc/\(pid)/exe", memory: MemoryMap(ProcessFile.text("maps", of: pid) ?? ""))
            }
            usleep(stepMicroseconds)
        }
        return []
    }

    /// Where the thread spends its time, if it spins: a loop that turns passes through its wait and its own steps each time,
    /// and those places say nothing. So a look that finds it there is taken again, up to five in all.
    static func atWork(of process: WorkerProcess) -> [StackLine] {
        var lines = now(of: process)
        for _ in 1..<mostLooks where StackLine.isLoopAlone(lines) { lines = now(of: process) }
        return lines
    }

    /// Where the process was when the fault came that ended it; empty when it died of something else.
    /// - Parameters:
    ///   - signal: the one that it died of.
    ///   - program: the path of its file. The memory of a dead process is gone, but where its own code lay it has told.
    static func atDeath(of process: WorkerProcess, by signal: CInt, program: String) -> [StackLine] {
        guard let told = process.status.stack, told.signal == signal else { return [] }
        return lines(of: told, program: program, memory: MemoryMap(""))
    }

    private static func lines(
        of told: StatusPageReader.Stack, program: String, memory: MemoryMap
    ) -> [StackLine] {
        var lines = told.addresses.map { StackLine(function: nil, file: nil, address: $0) }
        let files = told.addresses.map { told.code.contains($0) ? program : memory.part(at: $0)?.path }
        for path in Set(files.compactMap { $0 }) {
            let positions = lines.indices.filter { files[$0] == path }
            // A return address is behind the call, which may be the function's last word; the innermost is no such one.
            let addresses = positions.map { told.addresses[$0] &- ($0 == 0 ? 0 : 1) }
            let names = names(addresses, in: path, code: told.code, memory)
            for (position, name) in zip(positions, names) {
                lines[position].file = path == program ? nil : path.split(separator: "/").last.map(String.init)
                lines[position].function = name.map(StackLine.readable)
            }
        }
        return lines
    }

    private static func names(
        _ addresses: [UInt64], in path: String, code: Range<UInt64>, _ memory: MemoryMap
    ) -> [String?] {
        guard let file = mapped(path), let table = SymbolTable(file.bytes) else { return addresses.map { _ in nil } }
        return table.functions(
            at: addresses.map { address in
                if code.contains(address) { return address - code.lowerBound &+ table.baseAddress }
                guard let part = memory.part(at: address) else { return 0 }
                return table.address(ofFileOffset: address - part.addresses.lowerBound + part.fileOffset) ?? 0
            })
    }

    private static func mapped(_ path: String) -> RegionMapping? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_size > 0 else { return nil }
        return try? RegionMapping(
            descriptor: descriptor, byteCount: Int(information.st_size), access: .readOnly)
    }
}
