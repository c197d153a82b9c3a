import Glibc
import PoolProtocol
import PoolRuntime

/// What a run does about its sandbox before it starts a worker: finds out what the kernel has, tells the user what it
/// lacks, looks up whom the workers become, and gives up what the supervisor itself never needs.
enum SandboxStart {
    /// - Parameter startsPrograms: of the user's: a hook, or words before a worker's own.
    /// - Returns: the part of every launch order.
    static func order(
        _ options: SandboxOptions, startsPrograms: Bool, output: Output
    ) throws(UserError) -> SandboxOrder {
        let order = SandboxOrder(
            mode: options.mode, layers: options.layers, identity: try options.user.map(identity))
        switch options.mode {
        case .off: output.emit(.warning("--sandbox off: a worker that strangers take over has all rights of this user"))
        case .auto, .strict:
            if let lack = SandboxSupport.probe().lack(of: options.layers) {
                guard options.mode == .auto else { throw UserError(.sandboxFailed, "--sandbox strict", lack) }
                output.emit(.warning(lack))
            }
        }
        // A program of the user's would inherit it.
        if options.mode != .off, options.layers.contains(.calls), !startsPrograms {
            do throws(SystemCallError) { try Lockdown.restrictSupervisor() } catch {
                guard options.mode == .auto else {
                    throw UserError(.sandboxFailed, "--sandbox strict", "\(error)", because: "the supervisor's own")
                }
                output.emit(.warning("the supervisor itself is not restricted (\(error))"))
            }
        }
        return order
    }

    private static func identity(of name: String) throws(UserError) -> SandboxOrder.Identity {
        guard let entry = getpwnam(name) else { throw UserError(.badOption, "--user", "there is no user '\(name)'") }
        let (user, group) = (entry.pointee.pw_uid, entry.pointee.pw_gid)
        guard geteuid() == 0 else {
            throw UserError(.badOption, "--user", "only root can become another user", because: "or leave it out")
        }
        guard user != 0 else { throw UserError(.badOption, "--user", "'\(name)' is root") }
        var groups = [gid_t](repeating: 0, count: Topology.maximumListCount)
        var count = CInt(groups.count)
        // Beyond as many the rest is left out: fewer groups are fewer rights.
        _ = getgrouplist(name, group, &groups, &count)
        return SandboxOrder.Identity(
            user: user, group: group, groups: Array(groups.prefix(min(Int(count), groups.count))))
    }
}
