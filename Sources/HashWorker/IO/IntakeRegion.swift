import PoolProtocol

/// Reaches the slots of one peer-worker's intake region, read-only. The bytes may change under the reader when that
/// process is hostile: they are copied once and never read twice.
struct IntakeRegion {
    let geometry: IntakeGeometry
    private let base: UnsafeRawPointer
    /// Keeps the mapping alive.
    private let owner: AnyObject?

    init(base: UnsafeRawPointer, byteCount: Int, owner: AnyObject? = nil) {
        geometry = IntakeGeometry(byteCount: byteCount)
        self.base = base
        self.owner = owner
    }

    /// The first bytes of a slot; nil when there is no such slot or it cannot hold so many.
    func block(inSlot slot: UInt32, byteCount: UInt32) -> UnsafeRawBufferPointer? {
        guard slot < geometry.slotCount, byteCount <= IntakeGeometry.slotByteCount else { return nil }
        return UnsafeRawBufferPointer(start: base + geometry.offset(ofSlot: slot), count: Int(byteCount))
    }
}
