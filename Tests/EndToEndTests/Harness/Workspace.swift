import Foundation

/// A temporary directory of one test, and all processes that the test started: both go away with this object. So a suite
/// holds it as its property. `SWARMKEEPER_KEEP_TESTS` in the environment keeps the files, to look at them.
final class Workspace {
    let root: String
    /// Set to leave everything in place.
    var isKept = false
    private var latestNumber = 0
    private var processes: [Running] = []

    /// - Parameter name: becomes part of the path; sockets lie below, so it must be short.
    init(_ name: String = "test") throws {
        var template = Array("\(NSTemporaryDirectory())sk-\(name.prefix(16))-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Unexpected("mkdtemp: errno \(errno)") }
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(root, 0o755)
        for folder in ["runtime", "home"] {
            try FileManager.default.createDirectory(atPath: path(folder), withIntermediateDirectories: true)
        }
        chmod(path("runtime"), 0o700)
    }

    deinit {
        for process in processes { process.kill() }
        if isKept || ProcessInfo.processInfo.environment["SWARMKEEPER_KEEP_TESTS"] != nil { return }
        try? FileManager.default.removeItem(atPath: root)
    }

    func path(_ name: String) -> String { "\(root)/\(name)" }

    /// A number for the files of one more process.
    func nextNumber() -> Int {
        latestNumber += 1
        return latestNumber
    }

    /// Keeps a process until the end of the test, whoever else forgets it.
    func keep(_ process: Running) { processes.append(process) }

    /// The environment of every process of a test: nothing of the user's own settings, no word to the networks of this
    /// machine, and the mark by which `ProcessTable.ofRun(in:)` knows a process of this test. Sanitizers want runs without a
    /// sandbox: the one setting that is passed on.
    var environment: [String: String] {
        let own = [
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin", "LANG": "C.UTF-8",
            "HOME": path("home"), "XDG_RUNTIME_DIR": path("runtime"), "SWARMKEEPER_NO_LSD": "on",
            "SWARMKEEPER_SANDBOX": Programs.sandbox,
        ]
        return Self.ofSanitizers.merging(own) { $1 }
    }

    /// What `scripts/sanitize` tells the instrumented programs: where to report, what to pass over.
    private static let ofSanitizers = ProcessInfo.processInfo.environment.filter {
        ["TSAN_OPTIONS", "ASAN_OPTIONS", "SWIFT_BACKTRACE"].contains($0.key)
    }

    /// Names in the directory of the sockets of all runs: empty when all of them cleaned up.
    var runDirectories: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path("runtime/swarmkeeper"))) ?? []
    }

    /// Where the journal of a torrent that is downloaded into `out` will be; makes that directory.
    func journalPath(of torrent: Torrent) throws -> String {
        try FileManager.default.createDirectory(atPath: path("out"), withIntermediateDirectories: true)
        var status = stat()
        guard stat(path("out"), &status) == 0 else { throw Unexpected("stat: errno \(errno)") }
        let place = "\(String(status.st_dev, radix: 16))-\(String(status.st_ino, radix: 16))"
        return path("state/\(torrent.infoHash)-\(place).journal")
    }

    func write(_ bytes: Data, to name: String) throws {
        let url = URL(fileURLWithPath: path(name))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try bytes.write(to: url)
    }

    /// Random bytes in a file.
    func writeRandom(_ byteCount: Int, to name: String) throws {
        try write(Self.randomBytes(byteCount), to: name)
    }

    static func randomBytes(_ byteCount: Int) -> Data {
        guard byteCount > 0 else { return Data() }
        let source = FileHandle(forReadingAtPath: "/dev/urandom")
        return source?.readData(ofLength: byteCount) ?? Data()
    }
}

/// Removes a directory when the test program ends.
func removeAtExit(_ path: String) {
    atExitPaths.append(path)
    if atExitPaths.count == 1 {
        atexit { for path in atExitPaths { try? FileManager.default.removeItem(atPath: path) } }
    }
}

/// Touched by the serialized tests and at the program's end only.
private nonisolated(unsafe) var atExitPaths: [String] = []
