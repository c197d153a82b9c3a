import BitTorrent
import CLinux
import Glibc
import Logging
package import PoolProtocol

/// Owns the first steps of every worker's life, in the one order that is safe (docs/architecture.md, "Start of a
/// worker"), up to the point where it can speak. Ends the process when a step fails.
package struct WorkerLaunch {
    package let order: LaunchOrder
    package let lifeline: Lifeline
    package let status: StatusPageWriter
    /// The worker's data listener, to be adopted by libzmq.
    package let listener: CInt
    /// The region that this worker writes; nil for the writer.
    package let region: RegionMapping?
    package let tcpListeners: [CInt]
    /// Its first half is done.
    package let lockdown: Lockdown
    package let chronicle: Chronicle

    package init(role: Role) {
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { _ = clinux_ignore_signal(signal) }
        guard fcntl(Lifeline.workerDescriptor, F_GETFD) >= 0 else {
            Self.fail(.notAChild, "\(role.programName) is started by the supervisor, never by hand")
        }
        _ = fcntl(Lifeline.workerDescriptor, F_SETFD, FD_CLOEXEC)
        let lifeline = Lifeline(OwnedDescriptor(Lifeline.workerDescriptor))
        do throws(SystemCallError) {
            try checked("prctl", clinux_set_parent_death_signal(SIGKILL))
            // The supervisor may have died before the line above; then the launch order's datagram is the last one and
            // the end of the line follows it.
            guard case .message(let bytes, let descriptors) = try lifeline.receive(waiting: true) else {
                exit(WorkerExit.supervisorGone.rawValue)
            }
            let order = Self.decode(bytes, role: role, descriptorCount: descriptors.count)
            if let core = order.pinnedCore {
                try checked("sched_setaffinity", subject: "core \(core)", clinux_pin_to_core(UInt32(core)))
            }
            let level = Logger.Level.allCases[min(Int(order.logLevel), Logger.Level.allCases.count - 1)]
            let logger = Logger(label: order.who.description) { LineLogHandler(label: $0, level: level) }
            var remaining = descriptors[...]
            listener = remaining.removeFirst()
            let page = OwnedDescriptor(remaining.removeFirst())
            status = StatusPageWriter(
                try RegionMapping(descriptor: page.rawValue, byteCount: StatusPage.byteCount, access: .readWrite),
                slowLimit: .milliseconds(Int(order.slowMilliseconds)))
            chronicle = Chronicle(logger, trail: status.trail, clock: { MonotonicClock.now })
            chronicle.note(.begun)
            try status.tellsStacks()
            if order.regionByteCount > 0 {
                let memory = OwnedDescriptor(remaining.removeFirst())
                region = try RegionMapping(
                    descriptor: memory.rawValue, byteCount: Int(order.regionByteCount), access: .readWrite)
            } else {
                region = nil
            }
            tcpListeners = Array(remaining.prefix(Int(order.tcpListenerCount)))
            let directories = remaining.dropFirst(tcpListeners.count).map { OwnedDescriptor($0) }
            self.order = order
            self.lifeline = lifeline
            lockdown = Self.locked(order, directories: directories)
        } catch {
            Self.fail(.startFailed, "\(role.programName): \(error)")
        }
    }

    private static func locked(_ order: LaunchOrder, directories: [OwnedDescriptor]) -> Lockdown {
        var lockdown = Lockdown(order)
        do throws(Lockdown.Refusal) {
            try lockdown.restrictFirstThread(directories: directories.map(\.rawValue))
        } catch {
            fail(.sandboxFailed, "\(error)")
        }
        return lockdown
    }

    private static func decode(_ bytes: [UInt8], role: Role, descriptorCount: Int) -> LaunchOrder {
        let order = bytes.withUnsafeBytes { buffer -> LaunchOrder? in
            var reader = FrameReader(buffer)
            guard let order = try? LaunchOrder(from: &reader), reader.isAtEnd else { return nil }
            return order
        }
        guard let order, order.who.place.role == role,
            descriptorCount == 2 + (order.regionByteCount > 0 ? 1 : 0) + Int(order.tcpListenerCount)
                + Int(order.directoryCount)
        else { fail(.protocolBroken, "\(role.programName): the launch order is of another build") }
        return order
    }

    /// Says why on stderr, which the supervisor keeps for its report, and ends the process.
    package static func fail(_ code: WorkerExit, _ reason: String) -> Never {
        let line = Array("\(reason)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        exit(code.rawValue)
    }
}
