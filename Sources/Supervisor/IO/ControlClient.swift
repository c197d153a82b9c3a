import BitTorrent
import CLinux
import Glibc
import PoolRuntime

/// `supervisor ps` and its like: one line to a running supervisor, its answer to stdout. Blocks, for some seconds at
/// most.
struct ControlClient {
    /// A supervisor answers within a fraction of a second, or it is stopped (chosen).
    private static let patience: CInt = 5000
    /// For each of several that run.
    private static let shortPatience: CInt = 500
    /// Of `--watch`.
    private static let interval: UInt32 = 1
    /// An answer is some megabytes at most; more would be another program's.
    private static let longestAnswer = 256 << 20

    private let invocation: ControlInvocation
    private let environment: [String: String]

    init(_ invocation: ControlInvocation, _ environment: [String: String]) {
        self.invocation = invocation
        self.environment = environment
    }

    /// - Returns: 0 for an answer, 1 for an error that the supervisor names, which is on stderr then.
    func run() throws(UserError) -> ExitCode {
        let (path, connection) = try connect()
        guard invocation.watches else { return try show(try ask(connection, path), isFirst: true) }
        var isFirst = true
        while true {
            // Its end is the end of watching it.
            guard let answer = try? ask(connection, path) else {
                if isFirst { throw Self.silent(path) }
                return .complete
            }
            let code = try show(answer, isFirst: isFirst)
            guard code == .complete else { return code }
            isFirst = false
            sleep(Self.interval)
        }
    }

    // MARK: The supervisor

    private func connect() throws(UserError) -> (path: UserPath, OwnedDescriptor) {
        if let path = invocation.socket { return (path, try Self.connect(path, Self.patience)) }
        let sockets = RunDirectory.controlSockets(environment: environment).map { UserPath($0) }
        guard let path = sockets.first else {
            throw UserError(
                .internalError, "", "no supervisor of this user runs", because: "or it was started with --no-control")
        }
        guard sockets.count == 1 else {
            for socket in sockets { StandardStreams.complain("\(socket): \(Self.description(of: socket))") }
            throw UserError(
                .internalError, "", "\(sockets.count) supervisors run", because: "choose one with --socket PATH")
        }
        return (path, try Self.connect(path, Self.patience))
    }

    private static func connect(_ path: UserPath, _ milliseconds: CInt) throws(UserError) -> OwnedDescriptor {
        let descriptor = path.withCString { clinux_connect_unix($0, milliseconds) }
        guard descriptor >= 0 else {
            throw UserError(
                .internalError, path.description, "no supervisor answers there",
                because: String(cString: strerror(-descriptor)))
        }
        return OwnedDescriptor(descriptor)
    }

    /// Which of several it is, in a line.
    private static func description(of path: UserPath) -> String {
        guard let connection = try? connect(path, shortPatience),
            let answer = try? ask(connection, "about", isJSON: false, path)
        else { return "it does not answer" }
        return TerminalText.escaped(answer.split(separator: "\n").first ?? "")
    }

    // MARK: Question and answer

    private func ask(_ connection: OwnedDescriptor, _ path: UserPath) throws(UserError) -> String {
        try Self.ask(connection, invocation.line, isJSON: invocation.isJSON, path)
    }

    private static func ask(
        _ connection: OwnedDescriptor, _ line: String, isJSON: Bool, _ path: UserPath
    ) throws(UserError) -> String {
        let question = Array((line + (isJSON ? " json\n" : "\n")).utf8)
        guard send(connection.rawValue, question, question.count, 0) == question.count else { throw silent(path) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while !isWhole(answer, isJSON: isJSON) {
            let count = recv(connection.rawValue, &buffer, buffer.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count > 0, answer.count + count <= longestAnswer else { throw silent(path) }
            answer += buffer[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// JSON is one line, an error is one line, and everything else ends with the line `ok`.
    private static func isWhole(_ answer: [UInt8], isJSON: Bool) -> Bool {
        guard answer.last == UInt8(ascii: "\n") else { return false }
        return isJSON || answer.starts(with: "error: ".utf8) || answer == Array("ok\n".utf8)
            || answer.suffix(4) == Array("\nok\n".utf8)
    }

    private static func silent(_ path: UserPath) -> UserError {
        UserError(.internalError, path.description, "the supervisor does not answer", because: "it is stopped or gone")
    }

    private func show(_ answer: String, isFirst: Bool) throws(UserError) -> ExitCode {
        // Also in place of JSON, when the supervisor has not come to reading the question.
        if answer.hasPrefix("error: ") {
            StandardStreams.complain(String(answer.dropFirst("error: ".count).dropLast()))
            return .internalError
        }
        var stream = StandardOutput(isPlain: isatty(STDOUT_FILENO) == 1 && !Terminal.isUTF8(environment))
        if invocation.isJSON {
            // Not the place to read JSON: an error is an object with nothing but the version and itself.
            let isError = answer.hasPrefix("{\"v\":\(ControlAnswer.version),\"error\":")
            stream.write(answer)
            try stream.finish()
            return isError ? .internalError : .complete
        }
        if invocation.watches, isatty(STDOUT_FILENO) == 1 {
            // Home, and each line clears its rest, so that nothing flickers; then what is below goes.
            stream.write(isFirst ? "\u{1b}[2J\u{1b}[H" : "\u{1b}[H")
            for line in answer.dropLast("ok\n".count).split(separator: "\n", omittingEmptySubsequences: false)
                .dropLast()
            {
                stream.write("\(line)\u{1b}[K\n")
            }
            stream.write("\u{1b}[J")
        } else {
            if !isFirst { stream.write("\n") }
            stream.write(String(answer.dropLast("ok\n".count)))
        }
        try stream.finish()
        return .complete
    }
}
