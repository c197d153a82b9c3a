import Foundation
import Testing

/// Where the programs under test, the tools and other implementations are on this machine.
enum Programs {
    /// The folder of `supervisor` and its workers: `SWARMKEEPER_BIN_DIR`, else where the test program itself was built.
    static let directory: String =
        ProcessInfo.processInfo.environment["SWARMKEEPER_BIN_DIR"]
        ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path

    static var supervisor: String { "\(directory)/supervisor" }

    /// `--sandbox` of all runs that do not choose for themselves.
    static let sandbox = ProcessInfo.processInfo.environment["SWARMKEEPER_SANDBOX"] ?? "auto"

    /// Names of the programs of a run, for looking them up among all processes.
    static let ofRun: Set<String> = ["supervisor", "peer-worker", "hash-worker", "writer"]

    /// The system's own, which has Debian's libtorrent.
    static let python = "/usr/bin/python3"
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    /// A command line of a tool of `Tools/`.
    static func tool(_ name: String, _ arguments: [String]) -> [String] {
        [python, tests.appendingPathComponent("Tools/\(name).py").path] + arguments
    }

    /// The path of a program of this machine, if it is there.
    static func find(_ name: String) -> String? {
        ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"].lazy.map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// The seeder of the benchmarks, which costs next to nothing; compiled once for all tests.
    static let leanSeeder = compiled("../../Benchmarks/lean-seeder.c", into: "lean-seeder")

    /// A library to preload that moves the time of day; compiled once for all tests.
    static let wallClock = compiled("Tools/wall_clock.c", into: "wall-clock.so", ["-shared", "-fPIC"])

    private static func compiled(
        _ source: String, into name: String, _ options: [String] = []
    ) -> Result<String, any Error> {
        Result {
            guard let compiler = find("cc") ?? find("gcc") else { throw Unexpected("no C compiler") }
            let workspace = try Workspace("compiled")
            workspace.isKept = true
            let product = workspace.path(name), source = tests.appendingPathComponent(source).path
            let compiling = try Running(
                [compiler, "-O2"] + options + ["-o", product, source], in: workspace, name: "cc")
            guard try compiling.wait(within: 60) == .exited(0) else { throw Unexpected(compiling.errorText) }
            removeAtExit(workspace.root)
            return product
        }
    }
}

/// What not every machine can do. A test that needs it says so in `.enabled(if:)`.
enum Able {
    static let isRoot = geteuid() == 0
    static let libtorrent = runs([Programs.python, "-c", "import libtorrent"])
    static let aria2 = Programs.find("aria2c") != nil
    static let rtorrent = Programs.find("rtorrent") != nil
    static let transmission = Programs.find("transmission-daemon") != nil
    static let opentracker = Programs.find("opentracker") != nil
    static let netcat = Programs.find("nc") != nil
    static let leanSeeder = (try? Programs.leanSeeder.get()) != nil
    /// Injections need the right to trace, which not every container has.
    static let strace = runs(["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=none", "true"])
    /// Namespaces of their own for the network and for mounts.
    static let networkNamespaces = isRoot && Programs.find("ip") != nil && runs(["unshare", "--net", "true"])
    /// Network devices whose packets a script carries.
    static let tunnels = networkNamespaces && access("/dev/net/tun", R_OK | W_OK) == 0
    static let mountNamespaces = isRoot && runs(["unshare", "--mount", "true"])
    /// The kernel has all that a sandbox is made of: Landlock with ports and scopes (6.12), and filters.
    static let isSandboxed = (ProcessTable.kernelVersion ?? (0, 0)) >= (6, 12) && Programs.sandbox != "off"
    /// Another user to become.
    static let setpriv = isRoot && Programs.find("setpriv") != nil
    /// Tests of more than a few seconds each run only if the user asks for them.
    static let longSuite = ProcessInfo.processInfo.environment["SWARMKEEPER_LONG_TESTS"] != nil

    private static func runs(_ command: [String]) -> Bool {
        guard let program = command[0].hasPrefix("/") ? command[0] : Programs.find(command[0]),
            let workspace = try? Workspace("able"),
            let running = try? Running([program] + command.dropFirst(), in: workspace, name: "able")
        else { return false }
        return (try? running.wait(within: 20)) == .exited(0)
    }
}

/// The reason why a test is skipped.
enum Why {
    static let sandbox: Comment = "needs a C compiler and Linux 6.12"
    static let root: Comment = "needs root"
    static let libtorrent: Comment = "needs python3-libtorrent"
    static let lean: Comment = "needs a C compiler"
    static let strace: Comment = "needs strace, the right to trace, and a C compiler"
    static let namespaces: Comment = "needs root and network namespaces"
    static let tunnels: Comment = "needs root, network namespaces and /dev/net/tun"
    static let long: Comment = "takes a minute; set SWARMKEEPER_LONG_TESTS"
}
