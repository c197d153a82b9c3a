import PoolProtocol

/// The memory of the intake region: writes a block's bytes into its slot. Which slot is whose, `BlockIntake` knows.
/// The memory must outlive every copy of this value; the process holds the mapping until it ends.
struct IntakeRegion {
    private let base: UnsafeMutableRawPointer
    let geometry: IntakeGeometry

    /// - Precondition: `base` is writable for `geometry.byteCount` bytes.
    init(base: UnsafeMutableRawPointer, geometry: IntakeGeometry) {
        self.base = base
        self.geometry = geometry
    }

    func slot(_ slot: UInt32) -> UnsafeMutableRawBufferPointer {
        precondition(Int(slot) < geometry.slotCount)
        return UnsafeMutableRawBufferPointer(
            start: base + geometry.offset(ofSlot: slot), count: IntakeGeometry.slotByteCount)
    }

    /// Copies the bytes, unless they were received where they belong.
    /// - Parameter offset: of the first byte within the slot.
    func write(_ bytes: UnsafeRawBufferPointer, slot: UInt32, offset: Int) {
        precondition(Int(slot) < geometry.slotCount && offset >= 0)
        precondition(bytes.count <= IntakeGeometry.slotByteCount - offset, "a block never leaves its slot")
        guard let source = bytes.baseAddress else { return }
        let target = base + geometry.offset(ofSlot: slot) + offset
        if source != UnsafeRawPointer(target) { target.copyMemory(from: source, byteCount: bytes.count) }
    }
}
