import Foundation
import Testing

/// One run of the real supervisor, seen through its events. Files go to `out`, the journal to `state`, so that a second
/// run of the same workspace resumes the first.
final class SupervisorRun {
    let workspace: Workspace
    let process: Running
    /// Where the files go.
    let directory: String
    /// The file of `--events`.
    let eventsPath: String
    private let log: EventLog

    /// - Parameters:
    ///   - arguments: are added to a run on a free port and with two peer-workers; the last of an option counts.
    ///   - torrents: their .torrent files come last.
    ///   - before: words before the supervisor's, such as `setpriv` and its options.
    ///   - program: the supervisor; its workers lie beside it.
    init(
        _ workspace: Workspace, _ torrents: [Torrent], _ arguments: [String] = [], directory: String? = nil,
        before: [String] = [], program: String = Programs.supervisor, environment: [String: String] = [:],
        closing: [Int32] = [], outputTo: String? = nil
    ) throws {
        self.workspace = workspace
        self.directory = directory ?? workspace.path("out")
        let name = "run-\(workspace.nextNumber())"
        eventsPath = workspace.path("\(name).events")
        log = EventLog(eventsPath)
        let usual: [(option: String, value: String)] = [
            ("--dir", self.directory), ("--state-dir", workspace.path("state")), ("--listen-port", "0"),
            ("--workers", "2"), ("--events", eventsPath),
        ]
        process = try Running(
            before + [program]
                + usual.filter { !arguments.contains($0.option) }.flatMap { [$0.option, $0.value] }
                + arguments + torrents.map(\.file),
            in: workspace, name: name, environment: environment, closing: closing, outputTo: outputTo)
    }

    /// All events so far.
    var events: [RunEvent] {
        log.read()
        return log.events
    }

    /// Waits until an event that matches has happened at any time in this run.
    @discardableResult func wait(
        for what: String, within seconds: Double = 20, _ matches: (RunEvent) -> Bool
    ) throws -> RunEvent {
        if let event = log.events.first(where: matches) { return event }
        do {
            return try awaiting(what, within: seconds) {
                let hasEnded = process.hasEnded
                if let event = log.read().first(where: matches) { return event }
                if hasEnded {
                    throw Unexpected(
                        "ended (\(String(describing: process.ending))) without \(what): \(process.errorText)")
                }
                return nil
            }
        } catch var timedOut as TimedOut {
            timedOut.context = "the supervisor said: \(process.errorText.suffix(800))"
            throw timedOut
        }
    }

    /// Waits until so many pieces have come to a state, such as `written`.
    func wait(forPieces count: Int, _ state: String = "written", within seconds: Double = 30) throws {
        do {
            try awaiting("\(count) pieces \(state)", within: seconds) {
                let hasEnded = process.hasEnded
                if pieces(state).count >= count { return true }
                if hasEnded { throw Unexpected("ended with \(pieces(state).count) pieces: \(process.errorText)") }
                return false
            }
        } catch var timedOut as TimedOut {
            timedOut.context = "there are \(pieces(state).count); the supervisor said: \(process.errorText.suffix(800))"
            throw timedOut
        }
    }

    /// Indices of the pieces that came to a state in this run, in order, each as often as it did.
    func pieces(_ state: String) -> [Int] {
        events.filter { $0.isA("piece", state) }.compactMap { $0.count("index") }
    }

    /// For the report of a wait in vain: the last events of peers, and how far the run is.
    var sayingOfPeers: String {
        let lines = (try? String(contentsOfFile: eventsPath, encoding: .utf8))?.split(separator: "\n") ?? []
        let peers = lines.filter { $0.contains("\"event\":\"peer\"") }.suffix(12)
        let progress = lines.last { $0.contains("\"event\":\"progress\"") }
        return (peers + [progress ?? "no progress"]).joined(separator: "\n")
    }

    /// The port for peers, once it is open.
    func listenPort() throws -> Int {
        try wait(for: "start") { $0.kind == "start" }.count("listen_port") ?? 0
    }

    /// The process of the newest generation of a place, once it is ready.
    /// - Parameter after: process of an older generation.
    func worker(_ role: String, _ ordinal: Int = 0, after: pid_t? = nil, within seconds: Double = 20) throws -> pid_t {
        try awaiting("\(role) worker \(ordinal) is ready\(after.map { " after \($0)" } ?? "")", within: seconds) {
            let newest = events.last {
                $0.isA("worker", "ready") && $0.text("role") == role && $0.count("ordinal") == ordinal
            }
            guard let process = newest?.count("pid").map({ pid_t($0) }), process != after else {
                if self.process.hasEnded { throw Unexpected("the supervisor ended: \(self.process.errorText)") }
                return nil
            }
            return process
        }
    }

    /// The newest `progress` event.
    var progress: RunEvent? { events.last { $0.kind == "progress" } }

    /// Payload bytes that were received in this run, as the last `progress` says.
    var downloadedByteCount: Int { progress?.count("download_length") ?? 0 }

    /// Waits for the end and checks what every end promises: the exit code, no process left two seconds later, nothing
    /// left in the run directory.
    func expectEnd(
        _ code: Int32, within seconds: Double = 40, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try process.wait(within: seconds)
        #expect(
            process.ending == .exited(code), "\(process.errorText.suffix(1000))", sourceLocation: sourceLocation)
        expectNothingLeft(sourceLocation: sourceLocation)
        #expect(workspace.runDirectories == [], sourceLocation: sourceLocation)
        if process.ending == .exited(code), let exit = events.last {
            #expect(exit.kind == "exit" && exit.count("code") == Int(code), sourceLocation: sourceLocation)
        }
        if code == 0 { expectNothingHeld(sourceLocation: sourceLocation) }
    }

    /// Each worker that ended in order had given all slots or frames back.
    private func expectNothingHeld(sourceLocation: SourceLocation) {
        for death in events where death.isA("worker", "dead") && death.count("status") == 0 {
            #expect(
                death.count("held") == 0 && death.count("reserved") ?? 0 == 0,
                "\(death.members)", sourceLocation: sourceLocation)
        }
    }

    /// No process of the run lives two seconds after the supervisor's end.
    func expectNothingLeft(sourceLocation: SourceLocation = #_sourceLocation) {
        try? awaiting("end of all workers", within: 2) { ProcessTable.ofRun(in: workspace).isEmpty }
        #expect(ProcessTable.ofRun(in: workspace) == [], sourceLocation: sourceLocation)
    }
}

extension Workspace {
    /// Runs the supervisor with just these arguments, for commands that are no downloads, to its end.
    func supervisor(_ arguments: [String], within seconds: Double = 20) throws -> Running {
        let running = try Running([Programs.supervisor] + arguments, in: self, name: "supervisor-\(nextNumber())")
        try running.wait(within: seconds)
        return running
    }
}
