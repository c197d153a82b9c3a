import BitTorrent
import CLinux
import Glibc
import PoolRuntime
import Testing

@Suite struct ChildProcessTests {
    private struct Child {
        let process: ChildProcess
        let ours: Lifeline
        let standardError: OwnedDescriptor

        init(_ script: String, wrapper: [String] = []) throws {
            let (ours, theirs) = try Lifeline.makePair()
            var pipe: [CInt] = [-1, -1]
            try checked("pipe2", clinux_pipe(&pipe))
            let childEnd = OwnedDescriptor(pipe[1])
            standardError = OwnedDescriptor(pipe[0])
            self.ours = ours
            process = try ChildProcess(
                program: "/bin/sh", arguments: ["-c", script], wrapper: wrapper, environment: ["PATH=/usr/bin:/bin"],
                lifeline: theirs, standardError: childEnd.rawValue)
        }

        /// Waits for its end, up to ten seconds.
        func ending() throws -> ChildProcess.Ending? {
            var item = pollfd(fd: process.pidfd.rawValue, events: Int16(POLLIN), revents: 0)
            guard poll(&item, 1, 10_000) == 1 else { return nil }
            return try process.reap()
        }

        var complaint: String {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(standardError.rawValue, &buffer, buffer.count)
            return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        }
    }

    @Test func exitCodeAndSignalAreToldApart() throws {
        #expect(try Child("exit 9").ending() == .exited(9))
        #expect(try Child("kill -9 $$").ending() == .killed(signal: 9))
    }

    @Test func livingProcessIsNotReaped() throws {
        let child = try Child("exec sleep 60")
        #expect(try child.process.reap() == nil)
        child.process.kill()
        #expect(try child.ending() == .killed(signal: 9))
    }

    @Test func killTakesTheWholeGroup() throws {
        let child = try Child("sleep 60 & echo $! >&2; wait")
        var item = pollfd(fd: child.standardError.rawValue, events: Int16(POLLIN), revents: 0)
        #expect(poll(&item, 1, 10_000) == 1)
        let text = child.complaint
        let grandchild = try #require(Int32(text.prefix { $0.isNumber }))
        child.process.kill()
        #expect(try child.ending() == .killed(signal: 9))
        let deadline = MonotonicClock.now + .seconds(10)
        // The orphan is reaped by whoever adopts it; a zombie is as dead as nobody.
        func isAlive() -> Bool {
            let stat = open("/proc/\(grandchild)/stat", O_RDONLY)
            guard stat >= 0 else { return false }
            defer { close(stat) }
            var buffer = [UInt8](repeating: 0, count: 512)
            let count = read(stat, &buffer, buffer.count)
            let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            return text.split(separator: ")").last.map { !$0.hasPrefix(" Z") } ?? false
        }
        while isAlive(), MonotonicClock.now < deadline { sched_yield() }
        #expect(!isAlive())
    }

    @Test func childHasNoDescriptorsButTheLifeline() throws {
        let leaked = OwnedDescriptor(dup(0))
        defer { withExtendedLifetime(leaked) {} }
        let child = try Child("ls /proc/self/fd >&2")
        #expect(try child.ending() == .exited(0))
        // 0 to 2, the lifeline, and the one that `ls` reads the directory with.
        let numbers = child.complaint.split(separator: "\n").compactMap { Int($0) }.filter { $0 <= 3 || $0 > 4 }
        #expect(numbers == [0, 1, 2, 3])
    }

    @Test func programThatIsNotThereIsNamed() {
        let error = #expect(throws: SystemCallError.self) { try Child("true", wrapper: ["/nonexistent/wrapper"]) }
        #expect(error?.description == "/nonexistent/wrapper: posix_spawn: No such file or directory")
    }

    @Test func manyQuickDeathsAreEachReapedOnce() throws {
        for round in 0..<200 { #expect(try Child("exit \(round % 100)").ending() == .exited(CInt(round % 100))) }
    }
}
