import PoolProtocol
import PoolRuntime

/// Spoils its own blocks: at the end of each turn, before their words leave, and from a thread of its own at every other
/// moment, between the word and the copy and behind the copy.
final class ScribbleAssault: Assault {
    private var round = 0

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        // It is mapped for as long as the process lives.
        guard let region = loop.launch.region else { return loop.report("there is no region") }
        let base = UInt(bitPattern: region.base), byteCount = region.byteCount
        if round == 0 { spoilAllTheWhile(base, byteCount, of: loop) }
        round += 1
        Self.spoil(base, byteCount, at: round % 100)
    }

    private func spoilAllTheWhile<Order: SupervisorOrder, News: WorkerNews>(
        _ base: UInt, _ byteCount: Int, of loop: WorkerLoop<Order, News>
    ) {
        do {
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
