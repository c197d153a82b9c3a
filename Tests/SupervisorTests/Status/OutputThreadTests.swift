import BitTorrent
import CLinux
import Foundation
import PoolRuntime
import Testing

@testable import Supervisor

/// Real pipes and files: what the loop writes arrives, and a reader that does not read holds up nothing (faults.md, R44).
@Suite(.serialized) struct OutputThreadTests {
    /// Long enough for a thread to be scheduled on a loaded machine; never waited for in full.
    private static let patience: Duration = .seconds(20)

    private func pipe() throws -> (reader: CInt, writer: CInt) {
        var ends: [CInt] = [-1, -1]
        try #require(Glibc.pipe(&ends) == 0)
        // Programs that other tests start must not keep the pipe open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private func thread(_ descriptor: CInt, limit: Int = 1 << 20) throws -> OutputThread {
        try OutputThread(descriptor: descriptor, limit: limit) { "\($0) lines lost" }
    }

    private func everything(_ reader: CInt) -> String {
        String(decoding: FileHandle(fileDescriptor: reader, closeOnDealloc: true).readDataToEndOfFile(), as: UTF8.self)
    }

    @Test func linesArriveInTheirOrder() throws {
        let (reader, writer) = try pipe()
        do {
            let thread = try thread(writer)
            for number in 0..<1000 { thread.write("\(number)") }
            thread.close(by: MonotonicClock.now + Self.patience)
        }
        #expect(everything(reader) == (0..<1000).map { "\($0)\n" }.joined())
    }

    @Test func aReaderThatNeverReadsHoldsUpNothing() throws {
        let (reader, writer) = try pipe()
        do {
            let thread = try thread(writer, limit: 100_000)
            let started = MonotonicClock.now
            let line = String(repeating: "x", count: 999)
            for _ in 0..<10_000 { thread.write(line) }
            thread.setStatus(ScreenStatus(lines: [ScreenLine("10%")]))
            #expect(MonotonicClock.now - started < .seconds(10))
            let closing = MonotonicClock.now
            thread.close(by: closing + .milliseconds(200))
            let waited = MonotonicClock.now - closing
            #expect(waited >= .milliseconds(199) && waited < .seconds(10))
        }
        // A late reader gets what was kept, and how much was not.
        let text = everything(reader)
        #expect(text.utf8.count < 400_000)
        #expect(text.contains(" lines lost\n"))
    }

    @Test func aReaderThatIsGoneIsToldOnce() throws {
        _ = clinux_ignore_signal(SIGPIPE)
        let (reader, writer) = try pipe()
        Glibc.close(reader)
        let thread = try thread(writer)
        thread.write("a")
        thread.write("b")
        thread.close(by: MonotonicClock.now + Self.patience)
        #expect(thread.takeFailure() == EPIPE)
        #expect(thread.takeFailure() == nil)
    }

    @Test func aFullDiskIsToldOnce() throws {
        let thread = try thread(try OutputFile.open("/dev/full", isFresh: false))
        thread.write("a")
        thread.close(by: MonotonicClock.now + Self.patience)
        #expect(thread.takeFailure() == ENOSPC)
    }

    @Test func aNonBlockingPipeLosesNothing() throws {
        let (reader, writer) = try pipe()
        clinux_set_nonblocking(writer, 1)
        let line = String(repeating: "y", count: 99)
        do {
            let thread = try thread(writer)
            for _ in 0..<5000 { thread.write(line) }
            var received = 0
            var buffer = [UInt8](repeating: 0, count: 65536)
            while received < 500_000 {
                let count = read(reader, &buffer, buffer.count)
                try #require(count > 0)
                received += count
            }
            thread.close(by: MonotonicClock.now + Self.patience)
        }
        #expect(everything(reader) == "")
    }

    @Test func aLogGrowsAndEventsBeginAnew() throws {
        let path = NSTemporaryDirectory() + "swarmkeeper-output-\(UUID().uuidString)"
        defer { unlink(path) }
        for isFresh in [false, false, true] {
            let thread = try thread(try OutputFile.open(UserPath(path), isFresh: isFresh))
            thread.write("line")
            thread.close(by: MonotonicClock.now + Self.patience)
            let expected = isFresh ? "line\n" : nil
            if let expected { #expect(try String(contentsOfFile: path, encoding: .utf8) == expected) }
        }
    }

    @Test func aFileThatCannotBeWrittenIsNamed() throws {
        let pipe = NSTemporaryDirectory() + "swarmkeeper-pipe-\(UUID().uuidString)"
        try #require(mkfifo(pipe, 0o600) == 0)
        defer { unlink(pipe) }
        for (path, reason) in [("/", "Is a directory"), ("/no/where", "No such file"), (pipe, "nobody reads")] {
            let error = #expect(throws: UserError.self) { try OutputFile.open(UserPath(path), isFresh: false) }
            #expect(error?.code == .fileError)
            #expect(error?.subject == path)
            #expect(error?.reason?.contains(reason) == true)
        }
    }
}
