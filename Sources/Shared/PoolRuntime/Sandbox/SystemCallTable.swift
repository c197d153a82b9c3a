import PoolProtocol

/// What each role may ask of the kernel once it is ready (docs/security.md has the reasons and who uses what). Data only:
/// `SystemCallFilter` installs it. `scripts/learn-syscalls` compares it with what the test suite uses.
struct SystemCallTable: Equatable {
    /// By name; a call that is in no list and that the machine's library knows ends the process.
    let verdicts: [String: SystemCallVerdict]

    /// - Parameters:
    ///   - processID: the worker's own, as it sees it.
    ///   - bindsAddress: a peer-worker's connections come from an address of the user's choice.
    init(role: Role, processID: Int32, bindsAddress: Bool = false) {
        var verdicts = Self.refused
        verdicts.merge(Self.core) { $1 }
        // `abort`, and the handler of faults.
        verdicts["tgkill"] = .allowIf([[.argument(0, is: UInt32(bitPattern: processID))]])
        switch role {
        case .peerWorker: verdicts.merge(Self.peerWorker) { $1 }
        case .hashWorker: verdicts.merge(Self.hashWorker) { $1 }
        case .writer: verdicts.merge(Self.writer) { $1 }
        case .supervisor: preconditionFailure("the supervisor starts programs and opens files: see supervisorDenials")
        }
        if role == .peerWorker && bindsAddress { verdicts["bind"] = .allow }
        self.verdicts = verdicts
    }

    /// - Returns: nil for a call that ends the process.
    func verdict(of name: String) -> SystemCallVerdict? { verdicts[name] }

    // MARK: Every worker

    /// libzmq on connections that exist, the loop, memory without code, locks, clocks, and the end.
    private static let core: [String: SystemCallVerdict] = {
        var list = allowed([
            // The loop, its wake-ups, the pool's connections and the lifeline.
            "read", "write", "readv", "writev", "close", "epoll_wait", "epoll_pwait", "epoll_ctl", "poll", "ppoll",
            "sendto", "recvfrom", "recvmsg", "getsockopt", "getsockname", "getpeername", "shutdown",
            // libzmq takes connections of newcomers at a listener that the supervisor made.
            "accept4", "accept",
            // The length of a memfd that came over the lifeline.
            "lseek",
            // Memory; see below for `mmap` and `mprotect`.
            "munmap", "mremap", "madvise", "brk",
            // Threads that are there: locks (Swift's are futexes with priority inheritance), stacks, their end.
            "futex", "rseq", "set_robust_list", "sched_yield", "sched_getaffinity", "gettid", "getpid",
            // Signal handlers: `where`, and the stack of a fault.
            "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
            // Time and chance. libzmq and Swift's hashing ask for random bytes.
            "clock_gettime", "clock_getres", "gettimeofday", "clock_nanosleep", "nanosleep", "restart_syscall",
            "getrandom",
            "exit", "exit_group",
        ])
        // No code but that which is there.
        list["mmap"] = .allowOrKill(.argument(2, lacks: Kernel.executable))
        list["mprotect"] = .allowOrKill(.argument(2, lacks: Kernel.executable))
        // Close-on-exec and blocking of a descriptor, nothing else.
        list["fcntl"] = .allowIf(Kernel.descriptorFlagCommands.map { [.argument(1, is: $0)] })
        // The C library falls back to `clone`, whose flags a filter can see.
        list["clone3"] = .absent
        return list
    }()

    // MARK: Roles

    private static let peerWorker: [String: SystemCallVerdict] = {
        var list = allowed([
            "connect",
            // Blocks of files that came as descriptors over the lifeline: whether they are in memory, and to the peer.
            "sendfile", "pread64", "preadv2", "cachestat",
        ])
        // TCP alone: protocol 0 of a stream socket. Neither Multipath TCP nor SCTP, no datagrams, no unix sockets.
        list["socket"] = .allowIf(
            Kernel.internetFamilies.map { family in
                [
                    .argument(0, is: family),
                    ArgumentTest(index: 1, mask: ~Kernel.socketFlags, value: Kernel.streamSocket),
                    .argument(2, is: 0),
                ]
            })
        list["setsockopt"] = .allowIf([[.argument(1, is: Kernel.tcpLevel), .argument(2, is: Kernel.tcpNoDelay)]])
        // The thread that reads what is not in memory starts with the first such block: a thread, never a process.
        list["clone"] = .allowOrKill(.argument(0, has: Kernel.threadFlag))
        return list
    }()

    private static let hashWorker = allowed([
        // Files that came as descriptors over the lifeline, to be checked or read back.
        "pread64"
    ])

    private static let writer = allowed([
        // Below `--dir` and never through a link; a filter cannot see how it is called, Landlock is the guard.
        "openat2", "mkdirat",
        "pwrite64", "pwritev", "pread64", "fallocate", "ftruncate", "fdatasync", "fsync", "syncfs", "sync_file_range",
        "fstat", "fstatfs", "flock",
    ])

    // MARK: What fails and kills nobody

    /// Files by name and new connections: libraries probe for configuration and go on without it.
    private static let refused: [String: SystemCallVerdict] = Dictionary(
        uniqueKeysWithValues: [
            "open", "openat", "openat2", "creat", "stat", "lstat", "fstat", "newfstatat", "statx", "access",
            "faccessat",
            "faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "statfs", "fstatfs",
            "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "link", "linkat",
            "symlink", "symlinkat", "truncate", "ftruncate", "chmod", "fchmodat", "chown", "fchownat",
            "socket", "socketpair", "bind", "listen", "connect", "ioctl", "getrlimit", "prlimit64", "sysinfo", "uname",
            "getuid", "geteuid", "getgid", "getegid", "getppid", "getrusage", "times", "sched_getparam",
            "sched_getscheduler", "kill", "tkill", "dup", "dup2", "dup3", "pipe2", "memfd_create", "eventfd2",
            "epoll_create1", "timerfd_create", "prctl", "setsockopt", "sendmsg",
        ].map { ($0, .refuse) })

    private static func allowed(_ names: [String]) -> [String: SystemCallVerdict] {
        Dictionary(uniqueKeysWithValues: names.map { ($0, .allow) })
    }

    // MARK: The supervisor

    /// What nobody in the supervisor needs, its hooks included: to look into or change other processes and the kernel, and
    /// interfaces with a long record of holes. They fail with EPERM.
    static let supervisorDenials = [
        "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "mount", "umount2", "pivot_root",
        "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig", "fspick", "mount_setattr", "bpf", "perf_event_open",
        "io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key", "request_key", "userfaultfd",
        "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "swapon", "swapoff", "reboot",
        "iopl", "ioperm", "acct", "lookup_dcookie", "quotactl", "settimeofday", "clock_settime", "clock_adjtime",
        "adjtimex", "open_by_handle_at", "name_to_handle_at", "unshare", "setns", "vhangup", "personality",
    ]

    /// The kernel's numbers that tests of arguments are about; the same on every processor but where it says so.
    private enum Kernel {
        /// PROT_EXEC.
        static let executable: UInt32 = 4
        /// F_GETFD, F_SETFD, F_GETFL, F_SETFL.
        static let descriptorFlagCommands: [UInt32] = [1, 2, 3, 4]
        /// AF_INET, AF_INET6.
        static let internetFamilies: [UInt32] = [2, 10]
        /// SOCK_STREAM; SOCK_NONBLOCK and SOCK_CLOEXEC come with it (x86-64 and ARM).
        static let streamSocket: UInt32 = 1
        static let socketFlags: UInt32 = 0o4000 | 0o2_000_000
        /// SOL_TCP, TCP_NODELAY.
        static let tcpLevel: UInt32 = 6
        static let tcpNoDelay: UInt32 = 1
        /// CLONE_THREAD.
        static let threadFlag: UInt32 = 0x1_0000
    }
}
