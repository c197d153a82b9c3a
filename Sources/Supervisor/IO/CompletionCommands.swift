import BitTorrent
import CLinux
import Glibc
import PoolRuntime

/// Owns the commands of `--on-complete` that run: starts one for each torrent that is complete, in a process group of its
/// own, and says how it ended. Nobody waits for them: a run that ends leaves them to themselves.
final class CompletionCommands {
    /// What the command is told, in its environment; no text of a torrent ever becomes part of the command.
    struct Subject {
        let name: String
        let infoHash: InfoHash
        let directory: String
        let byteCount: UInt64

        var variables: [String: String] {
            [
                "TORRENT_NAME": name, "TORRENT_HASH": infoHash.description, "TORRENT_DIR": directory,
                "TORRENT_BYTES": String(byteCount),
            ]
        }
    }

    private struct Running {
        let process: ChildProcess
        let watch: PollLoop.WatchID
    }

    private let command: String
    private let environment: [String: String]
    private let poll: PollLoop
    private let failed: (String) -> Void
    private var running: [Int32: Running] = [:]

    /// - Parameter failed: is told in a line what went wrong.
    init(_ command: String, environment: [String: String], poll: PollLoop, failed: @escaping (String) -> Void) {
        self.command = command
        self.environment = environment
        self.poll = poll
        self.failed = failed
    }

    var processIDs: [Int32] { Array(running.keys) }

    func start(_ subject: Subject) {
        do throws(SystemCallError) {
            let nothing = OwnedDescriptor(
                try checked("open", subject: "/dev/null", clinux_open("/dev/null", O_RDWR, 0)))
            let variables = environment.merging(subject.variables) { $1 }.map { "\($0.key)=\($0.value)" }
            let process = try ChildProcess(
                program: "/bin/sh", arguments: ["-c", command], wrapper: [], environment: variables, lifeline: nothing,
                standardError: STDERR_FILENO)
            let watch = try poll.watch(descriptor: process.pidfd.rawValue) { [unowned self] _ in
                ended(process.processID, of: subject)
            }
            running[process.processID] = Running(process: process, watch: watch)
        } catch { failed("--on-complete: \(TerminalText.escaped(subject.name)): cannot be started (\(error))") }
    }

    private func ended(_ processID: Int32, of subject: Subject) {
        guard let command = running[processID] else { return }
        let text: String?
        do throws(SystemCallError) {
            guard let ending = try command.process.reap() else { return }
            text = ending == .exited(0) ? nil : "ended with \(ending)"
        } catch { text = "how it ended cannot be known (\(error))" }
        poll.unwatch(command.watch)
        running[processID] = nil
        if let text { failed("--on-complete: \(TerminalText.escaped(subject.name)): \(text)") }
    }
}
