import PoolProtocol
import Testing

@testable import PoolRuntime

/// The lists as data: what a role may not do is here by name, so that a list cannot grow unseen.
struct SystemCallTableTests {
    private static let workers: [Role] = [.peerWorker, .hashWorker, .writer]
    private static func table(_ role: Role) -> SystemCallTable { SystemCallTable(role: role, processID: 1234) }

    /// What the filter does with a call.
    private func outcome(_ role: Role, _ name: String, _ arguments: [UInt64] = [], bindsAddress: Bool = false) -> String
    {
        let table = SystemCallTable(role: role, processID: 1234, bindsAddress: bindsAddress)
        let padded = arguments + Array(repeating: 0, count: 6 - arguments.count)
        switch table.verdict(of: name) {
        case .allow?: return "allowed"
        case .allowIf(let alternatives)?:
            return alternatives.contains { $0.allSatisfy { $0.holds(padded) } } ? "allowed" : "refused"
        case .allowOrKill(let test)?: return test.holds(padded) ? "allowed" : "killed"
        case .refuse?: return "refused"
        case .absent?: return "absent"
        case nil: return "killed"
        }
    }

    @Test(arguments: workers) func nobodyStartsAProgramOrLooksIntoAnother(role: Role) {
        for name in [
            "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd",
            "pidfd_open", "pidfd_send_signal", "rt_sigqueueinfo", "unshare", "setns", "mount", "chroot", "pivot_root",
            "bpf", "perf_event_open", "io_uring_setup", "io_uring_enter", "userfaultfd", "keyctl", "add_key",
            "kexec_load", "init_module", "finit_module", "setuid", "setresuid", "setgroups", "capset", "seccomp",
            "landlock_create_ruleset", "personality", "modify_ldt", "shmget", "msgget", "semget", "mq_open",
        ] { #expect(outcome(role, name) == "killed", "\(name)") }
    }

    @Test(arguments: workers) func nobodyOpensAFileByName(role: Role) {
        for name in [
            "open", "openat", "creat", "truncate", "unlink", "unlinkat", "rename", "renameat2", "linkat", "symlinkat",
            "readlinkat", "getdents64", "chmod", "statx", "newfstatat", "access",
        ] { #expect(outcome(role, name) == "refused", "\(name)") }
        for name in ["openat2", "mkdirat", "fallocate", "ftruncate", "pwritev"] {
            #expect((outcome(role, name) == "allowed") == (role == .writer), "\(name)")
        }
    }

    @Test(arguments: workers) func memoryNeverBecomesCode(role: Role) {
        for name in ["mmap", "mprotect"] {
            #expect(outcome(role, name, [0, 4096, 3]) == "allowed")
            #expect(outcome(role, name, [0, 4096, 5]) == "killed")
            #expect(outcome(role, name, [0, 4096, 7]) == "killed")
        }
        #expect(outcome(role, "pkey_mprotect") == "killed")
    }

    @Test func onlyPeerWorkersMakeConnectionsAndThoseByTCP() {
        let (stream, datagram, raw) = (UInt64(1), UInt64(2), UInt64(3))
        let flags = UInt64(0o4000 | 0o2_000_000)
        for family in [2, 10] as [UInt64] {
            #expect(outcome(.peerWorker, "socket", [family, stream | flags, 0]) == "allowed")
            #expect(outcome(.peerWorker, "socket", [family, datagram | flags, 0]) == "refused")
            #expect(outcome(.peerWorker, "socket", [family, raw, 0]) == "refused")
            #expect(outcome(.peerWorker, "socket", [family, stream, 262]) == "refused", "Multipath TCP")
            #expect(outcome(.peerWorker, "socket", [family, stream, 132]) == "refused", "SCTP")
            #expect(outcome(.hashWorker, "socket", [family, stream, 0]) == "refused")
            #expect(outcome(.writer, "socket", [family, stream, 0]) == "refused")
        }
        for family in [1, 16, 17, 38, 40] as [UInt64] {
            #expect(outcome(.peerWorker, "socket", [family, stream, 0]) == "refused", "family \(family)")
        }
        for role in Self.workers {
            #expect((outcome(role, "connect") == "allowed") == (role == .peerWorker))
            for name in ["socketpair", "bind", "listen"] { #expect(outcome(role, name) == "refused") }
        }
        #expect(outcome(.peerWorker, "bind", bindsAddress: true) == "allowed")
        #expect(outcome(.hashWorker, "bind", bindsAddress: true) == "refused")
        #expect(outcome(.peerWorker, "setsockopt", [4, 6, 1]) == "allowed", "TCP_NODELAY")
        #expect(outcome(.peerWorker, "setsockopt", [4, 1, 26]) == "refused", "SO_ATTACH_FILTER")
    }

    @Test func onlyPeerWorkersStartThreadsAndNobodyAProcess() {
        let thread: UInt64 = 0x3d0f00
        #expect(outcome(.peerWorker, "clone", [thread]) == "allowed")
        #expect(outcome(.peerWorker, "clone", [17]) == "killed")
        for role in [.hashWorker, .writer] as [Role] { #expect(outcome(role, "clone", [thread]) == "killed") }
        for role in Self.workers { #expect(outcome(role, "clone3") == "absent") }
    }

    @Test(arguments: workers) func signalsGoToItselfAlone(role: Role) {
        #expect(outcome(role, "tgkill", [1234, 1240, 6]) == "allowed")
        #expect(outcome(role, "tgkill", [1, 1, 9]) == "refused")
        for name in ["kill", "tkill"] { #expect(outcome(role, name) == "refused") }
    }

    /// Each test that a filter turns round has one bit, so that exactly one side holds.
    @Test(arguments: workers) func everyTestThatKillsHasAnOpposite(role: Role) {
        for (name, verdict) in Self.table(role).verdicts {
            guard case .allowOrKill(let test) = verdict else { continue }
            #expect(test.mask.nonzeroBitCount == 1, "\(name)")
            for value in [0, UInt64(test.mask), .max] {
                let arguments = Array(repeating: value, count: 6)
                #expect(test.holds(arguments) != test.opposite.holds(arguments), "\(name)")
            }
        }
    }

    @Test func theSupervisorKeepsWhatItsHooksNeed() {
        let denied = Set(SystemCallTable.supervisorDenials)
        #expect(denied.count == SystemCallTable.supervisorDenials.count)
        for name in ["execve", "clone", "clone3", "openat", "socket", "bind", "wait4", "kill", "setresuid", "seccomp"] {
            #expect(!denied.contains(name), "\(name)")
        }
    }
}
