import BitTorrent
import Glibc
import PoolProtocol

/// Where a read puts what it brings. A peer that sends blocks sends mostly blocks of full length, one behind the other,
/// so a read is aimed: the payload of each into the slot that it is to have, the heads between them aside. The guess is
/// checked at every head; where it is wrong, what follows is gathered and read as any other bytes.
///
/// One for all connections, used by one after another: it stays in the cache, and 500 quiet peers hold none.
final class ReceiveArea {
    /// Blocks of one aimed read, so that the calls around a read cost little beside its bytes: half a MiB, as much as a
    /// turn is to find (16, 32 and 64 differ by less than the rounds of a bench do; 8 and 4 were 4 % and 17 % dearer than 16).
    static let blockLimit = 32
    /// Bytes of a read that is not aimed.
    static let plainByteCount = 64 << 10
    /// The same while slots are short: little more than a block, so that what must wait stays small.
    static let shortByteCount = 32 << 10
    private static let headByteCount = 13

    /// A part of what a read brought, in the order of the stream.
    struct Segment {
        let bytes: UnsafeRawBufferPointer
        /// A head: if the guess was right, a block of full length begins behind it.
        let isHead: Bool
    }

    private let plain: UnsafeMutableRawBufferPointer
    /// Room for the heads of one read, each with its own 16 bytes.
    private let heads: UnsafeMutableRawBufferPointer
    private let vectors: UnsafeMutableBufferPointer<iovec>
    private var areHeads: [Bool] = []
    private var vectorCount = 0
    /// The most that the next read can bring.
    private(set) var aimedByteCount = 0

    init() {
        let gatheredByteCount = (Self.blockLimit + 1) * (IntakeGeometry.slotByteCount + Self.headByteCount)
        plain = .allocate(byteCount: max(Self.plainByteCount, gatheredByteCount), alignment: 64)
        heads = .allocate(byteCount: (Self.blockLimit + 1) * 16, alignment: 16)
        vectors = .allocate(capacity: Self.blockLimit * 2 + 2)
    }

    deinit {
        plain.deallocate()
        heads.deallocate()
        vectors.deallocate()
    }

    // MARK: Aiming

    /// The next read takes bytes as they come.
    func aimPlain(byteCount: Int) {
        (vectorCount, aimedByteCount) = (0, 0)
        areHeads.removeAll(keepingCapacity: true)
        add(UnsafeMutableRawBufferPointer(rebasing: plain[..<min(byteCount, plain.count)]), isHead: false)
    }

    /// The next read takes the rest of a block, then blocks.
    /// - Parameters:
    ///   - rest: where the rest of the arriving block goes; nil when none is under way.
    ///   - missingHeadByteCount: of the first head, 1 … 13.
    func aim(
        rest: UnsafeMutableRawBufferPointer?, missingHeadByteCount: Int,
        slots: some Sequence<UInt32>, of region: IntakeRegion
    ) {
        (vectorCount, aimedByteCount) = (0, 0)
        areHeads.removeAll(keepingCapacity: true)
        if let rest { add(rest, isHead: false) }
        var missing = missingHeadByteCount
        var headOffset = 0
        for slot in slots {
            add(UnsafeMutableRawBufferPointer(rebasing: heads[headOffset..<headOffset + missing]), isHead: true)
            add(region.slot(slot), isHead: false)
            missing = Self.headByteCount
            headOffset += 16
        }
    }

    private func add(_ bytes: UnsafeMutableRawBufferPointer, isHead: Bool) {
        vectors[vectorCount] = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
        areHeads.append(isHead)
        aimedByteCount += bytes.count
        vectorCount += 1
    }

    // MARK: Reading

    /// - Returns: as readv(2).
    func read(_ descriptor: CInt) -> Int { readv(descriptor, vectors.baseAddress, CInt(vectorCount)) }

    /// The segments of the last read, of which `byteCount` bytes came.
    /// - Parameter body: handles one; false: what follows is to be gathered first.
    /// - Returns: what `body` did not see, gathered in one place; empty if it saw everything. Valid until the next read.
    func forEachSegment(of byteCount: Int, _ body: (Segment) -> Bool) -> UnsafeRawBufferPointer {
        var left = byteCount
        for index in 0..<vectorCount where left > 0 {
            let count = min(left, vectors[index].iov_len)
            left -= count
            let bytes = UnsafeRawBufferPointer(start: vectors[index].iov_base, count: count)
            if !body(Segment(bytes: bytes, isHead: areHeads[index])) { return gather(from: index + 1, left) }
        }
        return UnsafeRawBufferPointer(rebasing: plain[..<0])
    }

    /// Brings `byteCount` bytes, from the vector `first` on, together.
    private func gather(from first: Int, _ byteCount: Int) -> UnsafeRawBufferPointer {
        var gathered = 0
        for index in first..<vectorCount where gathered < byteCount {
            let count = min(byteCount - gathered, vectors[index].iov_len)
            // The plain buffer is never part of a read that has more than one vector.
            (plain.baseAddress! + gathered).copyMemory(from: vectors[index].iov_base, byteCount: count)
            gathered += count
        }
        return UnsafeRawBufferPointer(rebasing: plain[..<gathered])
    }
}
