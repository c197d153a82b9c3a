import Glibc
import PoolRuntime

/// Where the thread of a process's loop is: what the kernel tells, and what the thread itself does.
enum ThreadView {
    /// How `kernelState` begins of a process that got SIGSTOP.
    static let stopped = "stopped by a signal"

    /// What the kernel says of the thread in one line; nil when the process is gone.
    static func kernelState(of pid: Int32) -> String? {
        guard let state = state(of: pid) else { return nil }
        var words = [state]
        // Empty or 0 while it runs, or where the kernel does not tell.
        if let place = read("/proc/\(pid)/wchan"), !place.isEmpty, place != "0" { words.append("in \(place)") }
        if let call = read("/proc/\(pid)/syscall")?.split(separator: " ").first, let number = Int(call) {
            words.append("system call \(number)")
        }
        return words.joined(separator: ", ")
    }

    /// The stack of the loop's thread, innermost frame first: what the kernel shows of its own part of it, which takes
    /// root, and the program's part.
    /// - Parameter isStopped: it tells nothing, and is not asked.
    static func stack(of process: WorkerProcess, isStopped: Bool) -> [String] {
        let text = read("/proc/\(process.child.processID)/stack") ?? ""
        let kernel = text.split(separator: "\n").map { line in
            String(line.split(separator: " ").last ?? line) + " (kernel)"
        }
        return isStopped ? kernel : kernel + WorkerStack.now(of: process).map(\.description)
    }

    /// proc(5): the third field, behind the name, which may hold blanks and brackets.
    private static func state(of pid: Int32) -> String? {
        guard let text = read("/proc/\(pid)/stat"), let close = text.lastIndex(of: ")"),
            let letter = text[text.index(after: close)...].first(where: { $0 != " " })
        else { return nil }
        return switch letter {
        case "R": "running"
        case "S": "sleeping"
        case "D": "in an uninterruptible wait (disk)"
        case "T": stopped
        case "t": "stopped by a tracer"
        case "Z": "dead, not reaped yet"
        default: "state \(letter)"
        }
    }

    /// The beginning of one of the kernel's files, without the last line break; nil when it cannot be read.
    static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { return nil }
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        return text.last == "\n" ? String(text.dropLast()) : text
    }
}
