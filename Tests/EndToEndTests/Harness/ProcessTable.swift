import Foundation

/// Looks at processes through /proc.
enum ProcessTable {
    /// Living processes of the programs under test that were started for this workspace.
    static func ofRun(in workspace: Workspace) -> [pid_t] {
        let mark = Data("XDG_RUNTIME_DIR=\(workspace.path("runtime"))\0".utf8)
        return all.filter { process in
            guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe"),
                Programs.ofRun.contains(String(program.split(separator: "/").last ?? "")),
                let environment = contents("/proc/\(process)/environ")
            else { return false }
            return environment.range(of: mark) != nil
        }
    }

    /// Whether it exists and is no zombie.
    static func isAlive(_ process: pid_t) -> Bool {
        guard let state = field("State", of: process) else { return false }
        return !state.hasPrefix("Z") && !state.hasPrefix("X")
    }

    /// A line of /proc/PID/status, such as `Cpus_allowed_list`.
    /// - Parameter thread: as its task directory is called; nil: the process.
    static func field(_ name: String, of process: pid_t, thread: String? = nil) -> String? {
        let directory = "/proc/\(process)" + (thread.map { "/task/\($0)" } ?? "")
        guard let status = contents("\(directory)/status") else { return nil }
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line.map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }

    /// A whole file of /proc/PID; empty when it cannot be read.
    static func text(_ file: String, of process: pid_t) -> String {
        contents("/proc/\(process)/\(file)").map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Resident bytes; what several processes share is divided among them. Needs the right to trace the process.
    static func proportionalByteCount(_ process: pid_t) -> Int? {
        guard let table = contents("/proc/\(process)/smaps_rollup") else { return nil }
        let line = String(decoding: table, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Pss:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
    }

    /// User and system time of a living process, all its threads together.
    static func cpuSeconds(_ process: pid_t) -> Double? {
        guard let line = contents("/proc/\(process)/stat").map({ String(decoding: $0, as: UTF8.self) }),
            // The name is in parentheses and may hold anything; the fields count from behind it.
            let end = line.lastIndex(of: ")")
        else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// What its descriptors name, such as `socket:[123]`.
    static func descriptors(of process: pid_t) -> [String] {
        let folder = "/proc/\(process)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
    }

    /// Major and minor number.
    static var kernelVersion: (Int, Int)? {
        let release = contents("/proc/sys/kernel/osrelease").map { String(decoding: $0, as: UTF8.self) } ?? ""
        let numbers = release.split(separator: ".").prefix(2).compactMap { Int($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
    }

    private static var all: [pid_t] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
    }

    /// `FileManager.contents` trusts a file's size, which is 0 here.
    private static func contents(_ path: String) -> Data? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        return try? file.readToEnd()
    }
}
