import Foundation

/// A process that a test started, in a process group of its own and in the workspace's directory. What it prints goes to
/// files. It and its whole group are gone when the workspace is.
final class Running {
    enum Ending: Equatable { case exited(Int32), signalled(Int32) }

    let processID: pid_t
    let command: [String]
    let outputPath: String
    let errorPath: String
    /// On the clock of `secondsNow()`.
    let startedAt = secondsNow()
    private(set) var endedAt: Double?
    private(set) var ending: Ending?
    /// User and system time of the process and of those that it waited for, in seconds; 0 until it has ended.
    private(set) var cpuSeconds = 0.0

    /// - Parameters:
    ///   - command: the program's path, or a name to be found in PATH, and its arguments.
    ///   - name: of its output files, `NAME.out` and `NAME.err`.
    ///   - closing: standard descriptors that it shall not have.
    ///   - outputTo: another file for standard output, such as a pipe of a test.
    init(
        _ command: [String], in workspace: Workspace, name: String, environment changes: [String: String] = [:],
        closing: [Int32] = [], outputTo: String? = nil
    ) throws {
        self.command = command
        outputPath = outputTo ?? workspace.path("\(name).out")
        errorPath = workspace.path("\(name).err")
        let environment = workspace.environment.merging(changes) { $1 }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        for descriptor in closing { posix_spawn_file_actions_addclose(&actions, descriptor) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        // `env` becomes the program; Glibc's call for it is not imported.
        var words = (["/usr/bin/env", "-C", workspace.root] + command).map { strdup($0) } + [nil]
        var settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + settings { free(pointer) } }
        var processID: pid_t = 0
        let error = posix_spawn(&processID, "/usr/bin/env", &actions, &attributes, &words, &settings)
        guard error == 0 else { throw Unexpected("\(command[0]): \(String(cString: strerror(error)))") }
        self.processID = processID
        workspace.keep(self)
    }

    deinit { kill() }

    /// Reaps the process if it has ended.
    var hasEnded: Bool {
        if ending != nil { return true }
        var status: Int32 = 0
        var usage = rusage()
        guard wait4(processID, &status, WNOHANG, &usage) == processID else { return false }
        let signal = status & 0x7f
        ending = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
        endedAt = secondsNow()
        cpuSeconds =
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        return true
    }

    @discardableResult func wait(within seconds: Double = 30) throws -> Ending {
        do {
            return try awaiting("end of \(command[0])", within: seconds) { hasEnded ? ending : nil }
        } catch var timedOut as TimedOut {
            timedOut.context = "it said: \(errorText.suffix(500))"
            throw timedOut
        }
    }

    func send(_ signal: Int32) { if ending == nil { Glibc.kill(processID, signal) } }

    /// Ends a helper of the test in an orderly way.
    func stop() throws {
        send(SIGTERM)
        try wait(within: 10)
    }

    /// Ends the process and its whole group at once.
    func kill() {
        Glibc.kill(-processID, SIGKILL)
        guard ending == nil else { return }
        Glibc.kill(processID, SIGKILL)
        let deadline = secondsNow() + 5
        while !hasEnded && secondsNow() < deadline { usleep(2000) }
    }

    var outputText: String { Self.text(of: outputPath) }
    /// Without the warning that all runs begin with where all of them are told to have no sandbox.
    var errorText: String {
        let text = Self.text(of: errorPath)
        guard Programs.sandbox == "off", let start = text.range(of: "supervisor: warning: --sandbox off:"),
            let end = text[start.upperBound...].firstIndex(of: "\n")
        else { return text }
        return text.replacingCharacters(in: start.lowerBound...end, with: "")
    }

    private static func text(of path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
