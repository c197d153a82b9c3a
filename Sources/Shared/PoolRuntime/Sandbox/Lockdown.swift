package import PoolProtocol

/// The two moments of a worker's start at which it gives up its rights. The rooms are here so that the order of the
/// start is fixed; today nothing is given up beyond `no_new_privs`, and no caller may rely on more.
package enum Lockdown {
    /// Before the first thread exists and before anything is mapped: rights to files and programs (per thread).
    package static func restrictFiles(of role: Role) {}

    /// After the join and before `ready`: the system calls of every thread.
    package static func restrictSystemCalls(of role: Role) {}
}
