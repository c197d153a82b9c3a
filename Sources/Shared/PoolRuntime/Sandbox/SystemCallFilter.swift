import CSeccomp
import Glibc

/// Turns a list of verdicts into a filter of the kernel's for every thread of this process, with libseccomp.
struct SystemCallFilter: ~Copyable {
    private let context: scmp_filter_ctx

    /// SCMP_ACT_ERRNO, a macro that cannot be imported.
    private static func failure(_ errno: CInt) -> UInt32 { 0x0005_0000 | UInt32(errno) }
    /// Numbers that may be given out in the time of one installation (Linux 6.18 is at 470).
    private static let numbers: Range<CInt> = 0..<600
    /// Calls that are newer than the library of this machine may be: their numbers are the same on every processor.
    private static let newNumbers: [String: CInt] = ["cachestat": 451]

    private init(otherwise action: UInt32) throws(SystemCallError) {
        guard let context = seccomp_init(action) else { throw SystemCallError("seccomp_init", ENOMEM) }
        self.context = context
    }

    deinit { seccomp_release(context) }

    /// From now on the table rules, in all threads.
    static func install(_ table: SystemCallTable) throws(SystemCallError) {
        // What no rule matches has an argument that none allows.
        let filter = try SystemCallFilter(otherwise: failure(EPERM))
        var listed: Set<CInt> = []
        for (name, verdict) in table.verdicts {
            guard let number = number(of: name) else { continue }
            listed.insert(number)
            try filter.add(verdict, number)
        }
        for number in numbers where !listed.contains(number) {
            try filter.add(isKnown(number) ? SCMP_ACT_KILL_PROCESS : failure(ENOSYS), number)
        }
        try filter.load()
    }

    /// From now on these fail with EPERM, in all threads.
    static func install(denials: [String]) throws(SystemCallError) {
        let filter = try SystemCallFilter(otherwise: SCMP_ACT_ALLOW)
        for name in denials {
            if let number = number(of: name) { try filter.add(failure(EPERM), number) }
        }
        try filter.load()
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

    /// Sets `no_new_privs`, without which only root may.
    private func load() throws(SystemCallError) {
        // Calls of another processor's numbers (32 bits, x32) are never ours.
        try set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)
        try set(SCMP_FLTATR_CTL_TSYNC, 1)
        try checked("seccomp_load", seccomp_load(context))
    }

    private func set(_ attribute: scmp_filter_attr, _ value: UInt32) throws(SystemCallError) {
        try checked("seccomp_attr_set", seccomp_attr_set(context, attribute, value))
    }
}
