import BitTorrent

/// Where the slots of an intake region lie. A region is nothing but slots: all books are kept in private memory.
package struct IntakeGeometry: Equatable, Sendable {
    /// One block each.
    package static let slotByteCount = Int(TorrentGeometry.blockByteCount)
    package let slotCount: Int

    /// - Parameter byteCount: size of the region; rounded down to whole slots.
    package init(byteCount: Int) { slotCount = byteCount / Self.slotByteCount }

    package var byteCount: Int { slotCount * Self.slotByteCount }
    package func offset(ofSlot slot: UInt32) -> Int { Int(slot) * Self.slotByteCount }
}

/// Where the frames of an assembly region lie: a header page, a header per frame, then the frames.
package struct AssemblyGeometry: Equatable, Sendable {
    /// Changes with the layout of `FrameHeader` or of the region; an adopter of another layout starts empty.
    package static let layoutVersion: UInt32 = 1
    package static let frameByteCount = 65536
    package static let blocksPerFrame = 4
    package static let headerByteCount = 64
    /// "SKRG" and the version, the first eight bytes of the region.
    package static let magic: UInt64 = 0x4752_4B53_0000_0000 | UInt64(layoutVersion)

    package let frameCount: Int

    /// The largest number of frames that fit with their headers.
    package init(byteCount: Int) {
        var count = byteCount / (Self.frameByteCount + Self.headerByteCount)
        while count > 0 && Self.framesOffset(frameCount: count) + count * Self.frameByteCount > byteCount { count -= 1 }
        frameCount = count
    }

    /// First byte of frame 0; frames are aligned to 4 KiB.
    private static func framesOffset(frameCount: Int) -> Int {
        (64 + frameCount * headerByteCount + 4095) / 4096 * 4096
    }

    package func headerOffset(ofFrame frame: UInt32) -> Int { 64 + Int(frame) * Self.headerByteCount }
    package func offset(ofFrame frame: UInt32) -> Int {
        Self.framesOffset(frameCount: frameCount) + Int(frame) * Self.frameByteCount
    }

    /// Frames that a piece of this length takes.
    package static func framesNeeded(pieceByteCount: UInt32) -> Int {
        (Int(pieceByteCount) + frameByteCount - 1) / frameByteCount
    }
}
