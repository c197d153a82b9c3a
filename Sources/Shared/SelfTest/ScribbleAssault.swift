import PoolProtocol
import PoolRuntime

/// Spoils its own blocks: at the end of each turn, before their words leave, and from a thread of its own at every other
/// moment, between the word and the copy and behind the copy.
final class ScribbleAssault: Assault {
    private let descriptor: OwnedDescriptor?
    private var region: RegionMapping?
    private var round = 0

    init(region: OwnedDescriptor?) { descriptor = region }

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        if region == nil { begin(loop) }
        guard let region else { return }
        round += 1
        Self.spoil(UInt(bitPattern: region.base), region.byteCount, at: round % 100)
    }

    private func begin<Order: SupervisorOrder, News: WorkerNews>(_ loop: WorkerLoop<Order, News>) {
        guard let descriptor else { return loop.report("there is no region") }
        do {
            let byteCount = Int(loop.launch.order.regionByteCount)
            let region = try RegionMapping(descriptor: descriptor.rawValue, byteCount: byteCount, access: .readWrite)
            self.region = region
            // The mapping lives as long as the process.
            let base = UInt(bitPattern: region.base)
            try DetachedThread.start {
                var round = 0
                while true {
                    round += 1
                    Self.spoil(base, byteCount, at: 100 + round % 1000)
                }
            }
        } catch { loop.report("\(error)") }
    }

    /// A byte of every slot.
    private static func spoil(_ base: UInt, _ byteCount: Int, at offset: Int) {
        guard let bytes = UnsafeMutablePointer<UInt8>(bitPattern: base) else { return }
        for slot in 0..<IntakeGeometry(byteCount: byteCount).slotCount {
            bytes[slot * IntakeGeometry.slotByteCount + offset] ^= 0x5A
        }
    }
}
