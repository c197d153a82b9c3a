import Testing

@testable import Supervisor

/// Values that are refused: one line that names the option, the value and what would do; exit code 28 (faults.md, R47).
struct BadOptionTests {
    @Test(arguments: [
        (["--workers", "0"], #"--workers: "0" is out of range (1 to 256)"#),
        (["--workers", "1000"], #"--workers: "1000" is out of range (1 to 256)"#),
        (["--workers", "-1"], #"--workers: "-1" is out of range (1 to 256)"#),
        (["--workers", "x"], #"--workers: "x" is not a whole number (1 to 256)"#),
        (["--workers", ""], #"--workers: "" is not a whole number (1 to 256)"#),
        (["--workers", "1.5"], #"--workers: "1.5" is not a whole number (1 to 256)"#),
        (["--workers", "+2"], #"--workers: "+2" is not a whole number (1 to 256)"#),
        (["--workers", "٣"], #"--workers: "٣" is not a whole number (1 to 256)"#),
        (["--workers", "99999999999999999999"], #"--workers: "99999999999999999999" is out of range (1 to 256)"#),
        (["--workers", "\u{1B}[31m"], #"--workers: "\u{1b}[31m" is not a whole number (1 to 256)"#),
        (["--hash-workers", "65"], #"--hash-workers: "65" is out of range (1 to 64)"#),
        (["--max-peers", "65536"], #"--max-peers: "65536" is out of range (1 to 65535)"#),
        (["--memory", "7M"], #"--memory: "7M" is too small (at least 8.0 MiB)"#),
        (["--memory", "1.5G"], #"--memory: "1.5G" is not a size (digits, or digits with K, M or G, such as 512M)"#),
        (["--memory", "M"], #"--memory: "M" is not a size (digits, or digits with K, M or G, such as 512M)"#),
        (["--memory", "8192000000000G"], #"--memory: "8192000000000G" is too large (at most 1024T)"#),
        (["--pin", "maybe"], #"--pin: "maybe" is not one of on, off"#),
        (["--dir", ""], "--dir: is empty"),
        (["--file-allocation", "trunc"], #"--file-allocation: "trunc" is not one of auto, none, falloc"#),
        (["--sync", "always"], #"--sync: "always" is not one of batch, piece, none"#),
        (["--progress", "fancy"], #"--progress: "fancy" is not one of auto, bar, plain, json, none"#),
        (
            ["--log-level", "loud"],
            #"--log-level: "loud" is not one of trace, debug, info, notice, warning, error, critical"#
        ),
        (["--interval", "0"], #"--interval: "0" is out of range (0.1 to 86400 seconds)"#),
        (["--interval", "0.05"], #"--interval: "0.05" is out of range (0.1 to 86400 seconds)"#),
        (["--interval", "nan"], #"--interval: "nan" is not a number of seconds (0.1 to 86400 seconds)"#),
        (["--interval", "1.2345"], #"--interval: "1.2345" is not a number of seconds (0.1 to 86400 seconds)"#),
        (["--interval", "."], #"--interval: "." is not a number of seconds (0.1 to 86400 seconds)"#),
        (["--stop-timeout", "99999999999999999999"], "out of range (1 to 31536000 seconds)"),
        (["--connect-timeout", "601"], #"--connect-timeout: "601" is out of range (1 to 600 seconds)"#),
        (["--heartbeat-ms", "9"], #"--heartbeat-ms: "9" is out of range (10 to 60000)"#),
        (["--slow-ms", "0"], #"--slow-ms: "0" is out of range (1 to 60000)"#),
        (["--listen-port", "65536"], #"--listen-port: "65536" is out of range (0 to 65535)"#),
        (["--listen-port", "7-6"], "--listen-port: the range ends before it begins"),
        (["--listen-port", "0-9"], #"--listen-port: "0" is out of range (1 to 65535)"#),
        (["--listen-port", "7-"], #"--listen-port: "7-" is not a whole number (1 to 65535)"#),
        (["--bind", "localhost"], #"--bind: "localhost" is not a numeric address"#),
        (["--peer", "1.2.3.4"], #"--peer: "1.2.3.4" is not HOST:PORT"#),
        (["--peer", "1.2.3.4:0"], #"--peer: "1.2.3.4:0" is not HOST:PORT"#),
        (["--peer", "a:1", "--peer", "a b:1"], #"--peer: "a b:1" is not HOST:PORT"#),
        (["--tracker", "ftp://me:secret@t"], "--tracker: tracker URL is neither http, https nor udp"),
        (["--worker-wrap", "peer"], #"--worker-wrap: "peer" is not ROLE=COMMAND (roles are peer, hash and writer)"#),
        (["--worker-wrap", "supervisor=x"], #"--worker-wrap: "supervisor=x" is not ROLE=COMMAND"#),
        (["--worker-wrap", "peer="], "--worker-wrap: names no command"),
        (["--worker-wrap", "peer='' x"], "--worker-wrap: names no command"),
        (["--worker-wrap", "peer=a 'b"], "--worker-wrap: a quote is not closed"),
        (["--worker-wrap", "peer=a\\"], "--worker-wrap: ends with a backslash"),
        (["--selftest", "peer:spin"], "--selftest: is for tests only (SWARMKEEPER_ALLOW_SELFTEST=1 unlocks it)"),
        (["b", "--select-file", "1"], "--select-file: needs exactly one torrent, not 2"),
        (["--nonsense"], "unknown option '--nonsense'"),
        (["-Z"], "unknown option '-Z'"),
        (["--metrics-listen", "localhost:9100"], "--metrics-listen: \"localhost:9100\" is not ADDRESS:PORT"),
        (["--metrics-listen", "0"], "--metrics-listen: \"0\" is not ADDRESS:PORT"),
        (["--metrics-listen", "127.0.0.1:65536"], "is not ADDRESS:PORT"),
        (["--control-socket", String(repeating: "x", count: 108)], "--control-socket: is too long"),
        (["--control-socket", ""], "--control-socket: is empty"),
        (["--workers"], "missing value for '--workers"),
        ([""], "the name of a torrent is empty"),
    ])
    func badValueIsRefusedByName(arguments: [String], message: String) {
        expectRefusal(["a.torrent"] + arguments, message)
    }

    @Test(arguments: [
        ([], "no torrent is named (see supervisor --help)"),
        (["--sequential"], "no torrent is named (see supervisor --help)"),
        (["show"], "missing expected argument '<torrent>' (see supervisor show --help)"),
        (["show", "a", "b"], "unexpected argument 'b' (see supervisor show --help)"),
        (["show", "a", "--workers", "2"], "(see supervisor show --help)"),
        (["verify"], "missing expected argument '<torrent>' (see supervisor verify --help)"),
        (["verify", "a", "--hash-workers", "0"], #"--hash-workers: "0" is out of range (1 to 64)"#),
        (["verify", "a", "--sequential"], "unknown option '--sequential'"),
        (["create"], "missing expected argument '<path>' (see supervisor create --help)"),
        (["create", ""], "the path is empty"),
        (["create", "a", "b"], "unexpected argument 'b' (see supervisor create --help)"),
        (["create", "a", "--piece-length", "8K"], #"--piece-length: "8K" is too small (at least 16.0 KiB)"#),
        (
            ["create", "a", "--piece-length", "300K"],
            #"--piece-length: "300K" is not a power of two from 16K to 512M (such as 256K or 4M)"#
        ),
        (["create", "a", "--piece-length", "1G"], #"--piece-length: "1G" is not a power of two from 16K to 512M"#),
        (["create", "a", "--piece-length", "x"], #"--piece-length: "x" is not a size"#),
        (
            ["create", "a", "--tracker", "http://a/,ftp://me:secret@b/"],
            "--tracker: tracker URL is neither http, https"
        ),
        (["create", "a", "--tracker", "http://a/,"], "--tracker: tracker URL is empty"),
        (["create", "a", "--web-seed", "udp://a:1"], "--web-seed: not an http or https URL"),
        (["create", "a", "--output", ""], "--output: is empty"),
        (["create", "a", "-o", "-", "--json"], "--output: stdout is for the torrent or for JSON, not for both"),
        (
            ["create", "a", "-o", "-", "--progress", "json"],
            "--output: stdout is for the torrent or for JSON, not for both"
        ),
        (["create", "a", "--comment", String(repeating: "x", count: 65537)], "--comment: is longer than 65536 bytes"),
    ])
    func incompleteCommandIsRefused(arguments: [String], message: String) { expectRefusal(arguments, message) }

    @Test func aThousandTorrentsAreEnough() {
        expectRefusal((0...1000).map { "\($0).torrent" }, "more than 1000 torrents")
    }

    private func expectRefusal(_ arguments: [String], _ message: String) {
        let error = #expect(throws: UserError.self) { try ParsedCommandLine().parse(arguments) }
        #expect(error?.code == .badOption)
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
        #expect(error?.description.contains("\n") == false)
    }
}
