import CLinux

/// How many descriptors a process may have (RLIMIT_NOFILE), and how many of them are not for payload and peers.
package enum DescriptorLimit {
    /// Kept free in every process: libzmq 4.3.4 aborts the process when its `accept` fails with EMFILE
    /// (ipc_listener.cpp), and a successor must be able to connect at any time.
    package static let reserve = 64

    /// What the caller may have now.
    package static var current: Int { clinux_descriptor_limit(0) }

    /// Raises the limit to what the system allows this user, for the caller and all that it starts: the usual soft limit
    /// of 1024 is for programs that use select(2), which none of ours does.
    /// - Returns: the limit from now on.
    @discardableResult package static func raise() -> Int { clinux_descriptor_limit(1) }
}
