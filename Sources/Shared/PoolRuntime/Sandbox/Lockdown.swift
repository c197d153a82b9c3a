import CLinux
import Glibc
package import PoolProtocol

/// The two moments of a worker's start at which it gives up its rights, in this order: what is taken from one thread
/// alone, before there is another; then, with the pool joined and before `ready`, the rest. Between them no byte of a
/// stranger is read.
///
/// In the mode `auto` a layer that cannot be had is missing and told; in `strict` it ends the process.
package struct Lockdown {
    private let role: Role
    private let order: SandboxOrder
    private let limits: ResourceLimits
    private let bindsAddress: Bool
    /// Compiled with the first restrictions, since that takes 2 ms and workers join one at a time; nil where none is wanted.
    private var filter: Result<SystemCallFilter, SystemCallError>?
    package private(set) var state: SandboxState

    package init(_ order: LaunchOrder) {
        role = order.who.place.role
        self.order = order.sandbox
        bindsAddress = !order.bindAddress.isEmpty
        limits = ResourceLimits(
            role: role, maximumPeerCount: Int(order.maximumPeerCount), regionByteCount: order.regionByteCount)
        state = SandboxState(inForce: [], missing: order.sandbox.mode == .off ? [] : order.sandbox.layers)
    }

    /// Why the process cannot go on.
    package struct Refusal: Error, CustomStringConvertible {
        let layers: SandboxLayers
        let error: SystemCallError?

        package var description: String {
            "the sandbox cannot be set up: \(layers.words.joined(separator: ", "))" + (error.map { " (\($0))" } ?? "")
        }
    }

    // MARK: Before the first thread

    /// - Parameter directories: below which a writer writes.
    package mutating func restrictFirstThread(directories: [CInt]) throws(Refusal) {
        guard order.mode != .off else { return }
        // Before the limits: the library writes what it compiles to a file.
        if state.missing.contains(.calls) {
            let table = SystemCallTable(role: role, processID: getpid(), bindsAddress: bindsAddress)
            filter = Result { () throws(SystemCallError) in try SystemCallFilter(table) }
        }
        // No layer can be had without it.
        do throws(SystemCallError) { try checked("prctl", clinux_set_no_new_privileges()) } catch {
            throw Refusal(layers: .privileges, error: error)
        }
        try take(.privileges) { [keptCapabilities] () throws(SystemCallError) in
            try checked("capset", clinux_keep_capabilities(keptCapabilities))
        }
        try take(.limits) { [limits] () throws(SystemCallError) in try limits.applyEarly() }
        try restrictByLandlock(directories)
    }

    /// What root needs to become another user; without that, what makes root write where the user wants it.
    private var keptCapabilities: UInt64 {
        let setGroup = UInt64(1) << 6, setUser = UInt64(1) << 7, overrideOwners = UInt64(1) << 1
        if order.identity != nil { return setGroup | setUser }
        return role == .writer ? overrideOwners : 0
    }

    private mutating func restrictByLandlock(_ directories: [CInt]) throws(Refusal) {
        let wanted = state.missing.intersection([.files, .ports, .signals])
        guard !wanted.isEmpty else { return }
        let plan = LandlockPlan(
            role: role, version: max(0, Int(clinux_landlock_version())), wanted: wanted, bindsAddress: bindsAddress)
        guard plan.layers == wanted || order.mode != .strict else {
            throw Refusal(layers: wanted.subtracting(plan.layers), error: nil)
        }
        guard !plan.layers.isEmpty else { return }
        try take(plan.layers) { () throws(SystemCallError) in
            var ruleset = clinux_landlock_ruleset(
                files: plan.files.rawValue, network: plan.ports.rawValue, scopes: plan.scopes.rawValue)
            let rights =
                plan.directoryRights.isEmpty
                ? []
                : directories.map { clinux_landlock_directory(descriptor: $0, files: plan.directoryRights.rawValue) }
            try checked(
                "landlock",
                clinux_landlock_restrict(&ruleset, rights, UInt32(rights.count), plan.bindsAnyPort ? 1 : 0))
        }
    }

    // MARK: Before `ready`

    package mutating func restrictAllThreads() throws(Refusal) {
        if let identity = order.identity {
            do throws(SystemCallError) {
                try checked(
                    "setresuid",
                    clinux_become(identity.user, identity.group, identity.groups, UInt32(identity.groups.count)))
                // A change of the user clears it.
                try checked("prctl", clinux_set_parent_death_signal(SIGKILL))
            } catch {
                throw Refusal(layers: .privileges, error: error)
            }
        }
        if state.inForce.contains(.limits) {
            state.inForce.remove(.limits)
            state.missing.insert(.limits)
            try take(.limits) { [limits] () throws(SystemCallError) in try limits.applyLate() }
        }
        try take(.calls) { [filter] () throws(SystemCallError) in
            guard let filter else { preconditionFailure("the first thread is restricted first") }
            try filter.get().install()
        }
    }

    // MARK: The supervisor

    /// What the supervisor never needs, for all its threads and for what it starts. No program that it starts gains
    /// privileges any more (`no_new_privs`).
    package static func restrictSupervisor() throws(SystemCallError) {
        try SystemCallFilter(denials: SystemCallTable.supervisorDenials).install()
    }

    // MARK: Layers

    private mutating func take(_ layers: SandboxLayers, _ body: () throws(SystemCallError) -> Void) throws(Refusal) {
        guard state.missing.isSuperset(of: layers) else { return }
        do throws(SystemCallError) {
            try body()
            state.missing.subtract(layers)
            state.inForce.formUnion(layers)
        } catch {
            if order.mode == .strict { throw Refusal(layers: layers, error: error) }
        }
    }
}
