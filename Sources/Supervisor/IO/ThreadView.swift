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
        if let place = ProcessFile.text("wchan", of: pid), !place.isEmpty, place != "0" { words.append("in \(place)") }
        if let call = ProcessFile.text("syscall", of: pid)?.split(separator: " ").first, let number = Int(call) {
            words.append("system call \(number)")
        }
        return words.joined(separator: ", ")
    }

    /// The stack of the loop's thread, innermost frame first: what the kernel shows of its own part of it, which takes
    /// root, and the program's part.
    static func stack(of process: WorkerProcess) -> [String] {
        let text = ProcessFile.text("stack", of: process.child.processID) ?? ""
        let kernel = text.split(separator: "\n").map { line in
            String(line.split(separator: " ").last ?? line) + " (kernel)"
        }
        return kernel + WorkerStack.now(of: process).map(\.description)
    }

    private static func state(of pid: Int32) -> String? {
        guard let letter = ProcessFile.statFields(of: pid).first else { return nil }
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
}
