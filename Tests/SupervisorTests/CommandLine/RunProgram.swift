import Foundation
import Testing

/// The supervisor's own program, run as a user would, with a place for its files.
final class RunProgram {
    struct Ending: CustomStringConvertible {
        var code: Int32
        var stdout: String
        var stderr: String
        /// Wall clock.
        var seconds: Double

        var description: String { "exit code \(code), \(seconds) s, stdout \(stdout.prefix(500)), stderr \(stderr)" }
    }

    let directory: String

    init() throws {
        var template = Array((NSTemporaryDirectory() + "swarmkeeper-cli-XXXXXX").utf8CString)
        try #require(mkdtemp(&template) != nil)
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        chmod(directory, 0o700)
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Next to the tests' own program.
    static var program: String? {
        let named = ProcessInfo.processInfo.environment["SWARMKEEPER_BIN_DIR"]
        let tests = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        let folders = [named, URL(fileURLWithPath: tests).deletingLastPathComponent().path].compactMap { $0 }
        return folders.map { $0 + "/supervisor" }.first { access($0, X_OK) == 0 }
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }

    /// What lies in the directory.
    var contents: [String] { (try? FileManager.default.contentsOfDirectory(atPath: directory).sorted()) ?? [] }

    /// Runs it by way of a shell, so that streams can be redirected as a shell does it.
    /// - Parameter memory: bytes that it may have for itself, as `ulimit -d` counts them.
    func run(
        _ arguments: [String], redirections: String = "", memory: Int? = nil, environment: [String: String] = [:]
    ) throws -> Ending {
        let program = try #require(Self.program, "build the supervisor first")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let limit = memory.map { "ulimit -d \(($0 + 1023) / 1024) && " } ?? ""
        process.arguments = ["-c", "\(limit)exec \"$@\" \(redirections)", "sh", program] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.environment = ["HOME": directory, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"]
            .merging(environment) { $1 }
        let output = try file("stdout"), errors = try file("stderr")
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        let started = Date()
        try process.run()
        process.waitUntilExit()
        let seconds = -started.timeIntervalSinceNow
        defer {
            unlink(path("stdout"))
            unlink(path("stderr"))
        }
        return Ending(
            code: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
            stdout: try String(contentsOfFile: path("stdout"), encoding: .utf8),
            stderr: try String(contentsOfFile: path("stderr"), encoding: .utf8), seconds: seconds)
    }

    private func file(_ name: String) throws -> FileHandle {
        _ = try write([], to: name)
        return try #require(FileHandle(forWritingAtPath: path(name)))
    }
}
