import CLinux
import Glibc
import PoolProtocol
import PoolRuntime

/// Copies the descriptor of the worker's own region out of the launch order, which nobody has read yet: a sound worker
/// closes it once it is mapped.
enum RegionThief {
    static func takeRegion() -> OwnedDescriptor? {
        var bytes = [UInt8](repeating: 0, count: Topology.maximumMessageByteCount)
        var descriptors = [CInt](repeating: -1, count: 253)
        var count = UInt32(descriptors.count)
        guard
            clinux_peek_descriptors(Lifeline.workerDescriptor, &bytes, bytes.count, &descriptors, &count) > 0,
            count >= 3
        else { return nil }
        let all = descriptors.prefix(Int(count)).map { OwnedDescriptor($0) }
        // The listener, the status page, the region.
        return all[2]
    }
}

/// Would take memory away from under those who read it: they would die of SIGBUS.
final class RegionAssault: Assault {
    private let region: OwnedDescriptor?
    private var turnCount = 0

    init(region: OwnedDescriptor?) { self.region = region }

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        turnCount += 1
        guard turnCount == 2 else { return }
        guard let region else { return loop.report("there is no region") }
        for (name, result) in [
            ("shrink", ftruncate(region.rawValue, 0)), ("grow", ftruncate(region.rawValue, 1 << 30)),
            ("seal", clinux_seal_writes(region.rawValue)),
        ] { loop.report("\(name): \(result == 0 ? "done" : String(cString: strerror(errno)))") }
    }
}
