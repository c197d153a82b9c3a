import CLinux
import PoolProtocol

/// Reaches the bytes of the assembly region: its magic, the headers, the frames. Decides nothing; docs/arena.md says who
/// may write what when. The memory must outlive every copy of this value.
struct AssemblyRegion {
    let geometry: AssemblyGeometry
    private let base: UnsafeMutableRawPointer

    /// - Parameter base: aligned to 64 bytes, `byteCount` bytes of readable and writable memory.
    init(base: UnsafeMutableRawPointer, byteCount: Int) {
        geometry = AssemblyGeometry(byteCount: byteCount)
        self.base = base
    }

    /// Whether a process of this layout has formatted the region.
    var isFormatted: Bool { clinux_load_acquire_64(base) == AssemblyGeometry.magic }

    /// Marks every frame as free. The magic is away while that goes on, so that a half-formatted region is none.
    func format() {
        clinux_store_release_64(base, 0)
        for frame in 0..<UInt32(geometry.frameCount) {
            header(frame).initializeMemory(as: UInt8.self, repeating: 0, count: AssemblyGeometry.headerByteCount)
        }
        clinux_store_release_64(base, AssemblyGeometry.magic)
    }

    /// What the header of a frame says; a predecessor may have been killed between any two stores.
    func readHeader(ofFrame frame: UInt32) -> FrameHeader {
        let header = header(frame)
        return FrameHeader(
            assignment: clinux_load_acquire_64(header + FrameHeader.assignmentOffset),
            index: header.load(fromByteOffset: FrameHeader.indexOffset, as: UInt32.self),
            presence: clinux_load_acquire_32(header + FrameHeader.presenceOffset),
            contributors: (0..<AssemblyGeometry.blocksPerFrame).map { contributor(ofBlock: $0, inFrame: frame) })
    }

    /// Gives a free frame to an assignment. The assignment is stored last: a header that names one is whole.
    func claim(frame: UInt32, for assignment: UInt64, index: UInt32) {
        let header = header(frame)
        header.storeBytes(of: index, toByteOffset: FrameHeader.indexOffset, as: UInt32.self)
        header.storeBytes(of: 0, toByteOffset: FrameHeader.presenceOffset, as: UInt32.self)
        clinux_store_release_64(header + FrameHeader.assignmentOffset, assignment)
    }

    /// Marks a frame as free.
    func clear(frame: UInt32) { clinux_store_release_64(header(frame) + FrameHeader.assignmentOffset, 0) }

    /// Copies a block to its place, then says who sent it, then says that it is there.
    /// - Parameter place: which of the frame's four blocks.
    func store(block: UnsafeRawBufferPointer, at place: Int, inFrame frame: UInt32, from contributor: Contributor) {
        precondition(block.count <= Self.blockByteCount && place < AssemblyGeometry.blocksPerFrame)
        let bytes = base + geometry.offset(ofFrame: frame) + place * Self.blockByteCount
        bytes.copyMemory(from: block.baseAddress!, byteCount: block.count)
        let header = header(frame)
        let offset = FrameHeader.contributorOffset(place)
        header.storeBytes(of: contributor.worker.littleEndian, toByteOffset: offset, as: UInt16.self)
        header.storeBytes(of: contributor.peer.littleEndian, toByteOffset: offset + 2, as: UInt32.self)
        clinux_or_release_32(header + FrameHeader.presenceOffset, 1 << UInt32(place))
    }

    /// Marks a block as absent.
    func drop(blockAt place: Int, inFrame frame: UInt32) {
        clinux_and_release_32(header(frame) + FrameHeader.presenceOffset, ~(1 << UInt32(place)))
    }

    /// Meaningless while the block is absent.
    func contributor(ofBlock place: Int, inFrame frame: UInt32) -> Contributor {
        let offset = FrameHeader.contributorOffset(place)
        return Contributor(
            worker: UInt16(littleEndian: header(frame).loadUnaligned(fromByteOffset: offset, as: UInt16.self)),
            peer: UInt32(littleEndian: header(frame).loadUnaligned(fromByteOffset: offset + 2, as: UInt32.self)))
    }

    /// A run of bytes within one frame.
    func bytes(ofFrame frame: UInt32, from offset: Int, byteCount: Int) -> UnsafeRawBufferPointer {
        precondition(offset >= 0 && byteCount >= 0 && offset + byteCount <= AssemblyGeometry.frameByteCount)
        return UnsafeRawBufferPointer(start: base + geometry.offset(ofFrame: frame) + offset, count: byteCount)
    }

    private static var blockByteCount: Int { AssemblyGeometry.frameByteCount / AssemblyGeometry.blocksPerFrame }

    private func header(_ frame: UInt32) -> UnsafeMutableRawPointer {
        precondition(frame < geometry.frameCount, "a frame beyond the region")
        return base + geometry.headerOffset(ofFrame: frame)
    }
}
