import Foundation

/// Faults that strace puts at chosen system calls of one role's processes, through `--worker-wrap`: deterministic, and
/// without a line for it in the product.
struct Injection {
    enum Fault {
        /// SIGKILL as the call is entered: it never happens.
        case kill
        /// The call is not made and fails with this error, such as `ENOSPC`.
        case error(String)
    }

    /// Calls of one purpose, whichever of them the program uses today.
    enum Calls: String {
        case connect
        case socket
        case receive = "read,readv,recvfrom,recvmsg"
        /// Of the pool's own connections alone.
        case poolSend = "sendto"
        case send = "write,writev,sendto,sendmsg"
        case putToFile = "pwrite64,pwritev,pwritev2"
        case getFromFile = "pread64,preadv,preadv2"
        case append = "write"
        case sync = "fdatasync,fsync,syncfs,sync_file_range"
        case dataSync = "fdatasync,fsync,syncfs"
        case open = "openat2"
        case truncate = "ftruncate"
        case futex
        case allocate = "fallocate"
        case map = "mmap"
    }

    let role: String
    /// What the first, second … process of the role gets; later ones run as they are.
    private let expressions: [String]
    private let directory: String

    /// - Parameters:
    ///   - faults: one for each process of the role, in the order of their start; `when` counts the calls of a thread as
    ///     strace(1) has it: `3`, `5+`, `20..60`.
    ///   - file: only calls on this file count.
    init(
        _ role: String, _ faults: [(calls: Calls, fault: Fault, when: String)], on file: String? = nil,
        in workspace: Workspace
    ) throws {
        self.role = role
        expressions = faults.map { entry in
            let effect =
                switch entry.fault {
                case .kill: "signal=SIGKILL"
                case .error(let name): "error=\(name)"
                }
            let path = file.map { "-P '\($0)' " } ?? ""
            return
                "\(path)-e trace=\(entry.calls.rawValue) -e inject=\(entry.calls.rawValue):\(effect):when=\(entry.when)"
        }
        directory = workspace.path("strace-\(workspace.nextNumber())")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        chmod(directory, 0o777)
        try Data(script.utf8).write(to: URL(fileURLWithPath: wrapper))
        chmod(wrapper, 0o755)
    }

    /// The same fault for the first process of a role alone.
    init(
        _ role: String, _ calls: Calls, _ fault: Fault, when: String, on file: String? = nil, in workspace: Workspace
    ) throws {
        try self.init(role, [(calls, fault, when)], on: file, in: workspace)
    }

    /// Words before a supervisor's own that make its calls fail, from the first on. It stays the process that was
    /// started, and its workers are left alone.
    static func supervisor(_ calls: Calls, error: String, when: String, traceTo path: String = "/dev/null") -> [String]
    {
        [
            "strace", "-D", "-qq", "-o", path, "-e", "trace=\(calls.rawValue)", "-e",
            "inject=\(calls.rawValue):error=\(error):when=\(when)",
        ]
    }

    /// Options of the supervisor.
    var options: [String] { ["--worker-wrap", "\(role)=\(wrapper)"] }

    /// Calls that strace made fail, over all processes.
    var injectedCount: Int {
        var count = 0
        for number in expressions.indices {
            let trace = (try? String(contentsOfFile: "\(directory)/\(number).trace", encoding: .utf8)) ?? ""
            count += trace.split(separator: "\n").count { $0.hasSuffix("(INJECTED)") }
        }
        return count
    }

    /// Whether each process that was to have a fault was started.
    var isUsedUp: Bool {
        FileManager.default.fileExists(atPath: "\(directory)/\(expressions.count - 1)")
    }

    private var wrapper: String { "\(directory)/wrapper" }

    /// Making a directory is what two processes cannot both succeed in. With `-D` the worker stays the supervisor's child.
    private var script: String {
        let lines = expressions.enumerated().map { number, expression in
            """
            mkdir '\(directory)/\(number)' 2>/dev/null &&
                exec strace -D -f -qq -o '\(directory)/\(number).trace' \(expression) "$@"
            """
        }
        return "#!/bin/sh\n\(lines.joined(separator: "\n"))\nexec \"$@\"\n"
    }
}
