import CLinux
import CSeccomp
import Glibc

/// A filter of the kernel's for every thread of this process, ready to be installed.
struct SystemCallFilter: Sendable {
    /// Instructions of the kernel's filter machine (`sock_filter`, 8 bytes each).
    private let program: [UInt8]

    /// The table rules.
    init(_ table: SystemCallTable) throws(SystemCallError) {
        // What no rule matches has an argument that none allows.
        let compiler = try SystemCallFilterCompiler(otherwise: SystemCallFilterCompiler.failure(EPERM))
        try compiler.add(table)
        program = try compiler.program()
    }

    /// These calls fail with EPERM.
    init(denials: [String]) throws(SystemCallError) {
        let compiler = try SystemCallFilterCompiler(otherwise: SCMP_ACT_ALLOW)
        try compiler.add(denials: denials)
        program = try compiler.program()
    }

    /// From now on it holds, in all threads. Sets `no_new_privs`, without which only root may.
    func install() throws(SystemCallError) {
        try checked("prctl", clinux_set_no_new_privileges())
        try checked("seccomp", clinux_filter_system_calls(program, program.count))
    }
}

/// Turns a list of verdicts into the kernel's instructions, with libseccomp.
private struct SystemCallFilterCompiler: ~Copyable {
    private let context: scmp_filter_ctx

    /// SCMP_ACT_ERRNO, a macro that cannot be imported.
    static func failure(_ errno: CInt) -> UInt32 { 0x0005_0000 | UInt32(errno) }
    /// Numbers that may be given out in the time of one installation (Linux 6.18 is at 470).
    private static let numbers: Range<CInt> = 0..<600
    /// Calls that are newer than the library of this machine may be: their numbers are the same on every processor.
    private static let newNumbers: [String: CInt] = ["cachestat": 451]

    init(otherwise action: UInt32) throws(SystemCallError) {
        guard let context = seccomp_init(action) else { throw SystemCallError("seccomp_init", ENOMEM) }
        self.context = context
    }

    deinit { seccomp_release(context) }

    func add(_ table: SystemCallTable) throws(SystemCallError) {
        var listed: Set<CInt> = []
        for (name, verdict) in table.verdicts {
            guard let number = Self.number(of: name) else { continue }
            listed.insert(number)
            try add(verdict, number)
        }
        for number in Self.numbers where !listed.contains(number) {
            try add(Self.isKnown(number) ? SCMP_ACT_KILL_PROCESS : Self.failure(ENOSYS), number)
        }
    }

    func add(denials: [String]) throws(SystemCallError) {
        for name in denials {
            if let number = Self.number(of: name) { try add(Self.failure(EPERM), number) }
        }
    }

    func program() throws(SystemCallError) -> [UInt8] {
        // Calls of another processor's numbers (32 bits, x32) are never ours.
        try checked(
            "seccomp_attr_set", seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS))
        let file = OwnedDescriptor(try checked("memfd_create", clinux_memfd_empty("system call filter")))
        try checked("seccomp_export_bpf", seccomp_export_bpf(context, file.rawValue))
        return try RegionMapping.contents(of: file.rawValue)
    }

    /// - Returns: nil for a call that this processor does not have.
    private static func number(of name: String) -> CInt? {
        let number = seccomp_syscall_resolve_name(name)
        return number >= 0 ? number : newNumbers[name]
    }

    private static func isKnown(_ number: CInt) -> Bool {
        guard let name = seccomp_syscall_resolve_num_arch(UInt32(SCMP_ARCH_NATIVE), number) else { return false }
        free(name)
        return true
    }

    private func add(_ verdict: SystemCallVerdict, _ number: CInt) throws(SystemCallError) {
        switch verdict {
        case .allow: try add(SCMP_ACT_ALLOW, number)
        case .allowIf(let alternatives):
            for tests in alternatives { try add(SCMP_ACT_ALLOW, number, tests) }
        case .allowOrKill(let test):
            try add(SCMP_ACT_ALLOW, number, [test])
            try add(SCMP_ACT_KILL_PROCESS, number, [test.opposite])
        case .refuse: break
        case .absent: try add(Self.failure(ENOSYS), number)
        }
    }

    private func add(_ action: UInt32, _ number: CInt, _ tests: [ArgumentTest] = []) throws(SystemCallError) {
        let comparisons = tests.map { test in
            scmp_arg_cmp(
                arg: test.index, op: SCMP_CMP_MASKED_EQ, datum_a: scmp_datum_t(test.mask),
                datum_b: scmp_datum_t(test.value))
        }
        try checked(
            "seccomp_rule_add", subject: "\(number)",
            seccomp_rule_add_array(context, action, number, UInt32(comparisons.count), comparisons))
    }
}
