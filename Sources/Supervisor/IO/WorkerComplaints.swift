import CLinux
import Glibc
import PoolRuntime

/// Owns what a worker writes to its stderr: whole lines go to the log, the last ones are kept for the report of its
/// death. Bounded, so that a worker that writes without end costs nothing but its own time.
struct WorkerComplaints {
    private static let longestLine = 4096
    private static let keptLineCount = 5

    let descriptor: OwnedDescriptor
    private var partial: [UInt8] = []
    private(set) var lastLines: [String] = []

    /// Makes the pipe.
    /// - Returns: the reading side, and the end that the child inherits.
    static func make() throws(SystemCallError) -> (complaints: WorkerComplaints, childEnd: OwnedDescriptor) {
        var ends: [CInt] = [-1, -1]
        try checked("pipe2", clinux_pipe(&ends))
        return (WorkerComplaints(descriptor: OwnedDescriptor(ends[0])), OwnedDescriptor(ends[1]))
    }

    private init(descriptor: OwnedDescriptor) { self.descriptor = descriptor }

    /// Reads what is there, up to 64 KiB.
    mutating func read(_ line: (String) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<16 {
            let count = Glibc.read(descriptor.rawValue, &buffer, buffer.count)
            guard count > 0 else { break }
            for byte in buffer[..<count] {
                if byte != UInt8(ascii: "\n") { partial.append(byte) }
                if byte == UInt8(ascii: "\n") || partial.count == Self.longestLine { finishLine(line) }
            }
        }
    }

    /// The process is gone: what it left half-written is a line too.
    mutating func finish(_ line: (String) -> Void) {
        read(line)
        if !partial.isEmpty { finishLine(line) }
    }

    private mutating func finishLine(_ line: (String) -> Void) {
        let text = String(decoding: partial, as: UTF8.self)
        partial.removeAll(keepingCapacity: true)
        guard !text.isEmpty else { return }
        lastLines.append(text)
        if lastLines.count > Self.keptLineCount { lastLines.removeFirst() }
        line(text)
    }
}
