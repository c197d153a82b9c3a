import Foundation
import Glibc

/// A client of a run's control socket that speaks the line protocol itself.
final class ControlConnection {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard result == 0 else { throw Unexpected("\(path): \(String(cString: strerror(errno)))") }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { Glibc.close(descriptor) }

    func send(_ bytes: some Sequence<UInt8>) throws {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Unexpected("send: \(String(cString: strerror(errno)))") }
            sent += count
        }
    }

    /// Nothing more is sent; what was asked is answered.
    func endInput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What came until `isWhole` said so, or the other side closed.
    func receive(until isWhole: (String) -> Bool = { _ in false }) throws -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count == 0 { return String(decoding: text, as: UTF8.self) }
            guard count > 0 else { throw Unexpected("recv: \(String(cString: strerror(errno)))") }
            text += buffer[..<count]
            let soFar = String(decoding: text, as: UTF8.self)
            if isWhole(soFar) { return soFar }
        }
    }

    /// The answer to one command in text, and how long it took.
    func ask(_ command: String) throws -> (text: String, seconds: Double) {
        let began = secondsNow()
        try send("\(command)\n".utf8)
        let text = try receive {
            $0.hasSuffix("\nok\n") || $0 == "ok\n" || $0.hasPrefix("error: ") && $0.hasSuffix("\n")
        }
        return (text, secondsNow() - began)
    }
}

extension SupervisorRun {
    /// The control socket in its run directory.
    func controlSocket() throws -> String {
        try wait(for: "start") { $0.kind == "start" }
        let folders = workspace.path("runtime/swarmkeeper")
        return try awaiting("the control socket") {
            workspace.runDirectories.map { "\(folders)/\($0)/ctl.sock" }.first { access($0, F_OK) == 0 }
        }
    }

    /// `supervisor` with these words, for this run.
    func control(_ words: String..., sourceLine: Int = #line) throws -> Running {
        try workspace.supervisor(words + ["--socket", try controlSocket()])
    }

    /// The rows of the table whose first title is ID and that has a column of this title, each by title.
    func rows(withColumn title: String) throws -> [[String: String]] {
        let listing = try control("ps")
        guard listing.ending == .exited(0) else { throw Unexpected("ps: \(listing.errorText)") }
        let tables = listing.outputText.components(separatedBy: "\n\n")
        guard
            let table = tables.first(where: {
                $0.split(separator: "\n")[0].split(separator: " ").contains(Substring(title))
            })
        else { return [] }
        let lines = table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        return lines.dropFirst().map { Dictionary(zip(lines[0], $0), uniquingKeysWith: { first, _ in first }) }
    }
}
