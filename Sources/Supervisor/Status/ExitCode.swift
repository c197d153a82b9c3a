/// How a run ended, as scripts see it; aria2's numbers where it has one. A contract: never renumber.
enum ExitCode: Int32 {
    case complete = 0
    case internalError = 1
    /// No new byte for `--stop-timeout`.
    case stalled = 5
    /// No peer is connected and none can be found.
    case nobodyLeft = 6
    /// INT or TERM with work left; the next start resumes.
    case interrupted = 7
    case diskFull = 9
    /// Another supervisor works on the same torrent and directory.
    case inUse = 11
    /// A file or directory cannot be opened, made, read or written.
    case fileError = 17
    case notBencoded = 25
    case invalidTorrent = 26
    case badMagnet = 27
    case badOption = 28
    /// `verify` found bad or missing data.
    case verifyFailed = 32
    case workersCrash = 40
    case sandboxFailed = 41
}

/// An error for the user: one line that names the thing, what is wrong and why.
struct UserError: Error, CustomStringConvertible {
    let code: ExitCode
    /// The file, field, address or option.
    let subject: String
    let problem: String
    let reason: String?

    init(_ code: ExitCode, _ subject: String, _ problem: String, because reason: String? = nil) {
        self.code = code
        self.subject = subject
        self.problem = problem
        self.reason = reason
    }

    /// `subject: problem (reason)`; the program's name goes before it on the terminal.
    var description: String {
        let line = subject.isEmpty ? problem : "\(subject): \(problem)"
        return reason.map { "\(line) (\($0))" } ?? line
    }
}
