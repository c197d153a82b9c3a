import BitTorrent
import PoolProtocol

/// Owns which frames are free, and that the headers in the region say the same.
struct FramePool {
    let region: AssemblyRegion
    private var ledger: FrameLedger

    /// Starts with every frame free.
    init(formatting region: AssemblyRegion) {
        region.format()
        self.region = region
        ledger = FrameLedger(frameCount: region.geometry.frameCount)
    }

    /// Starts from what a predecessor left: the frames in `kept` stay as they are, the headers of all others are cleared.
    init(adopting region: AssemblyRegion, keeping kept: Set<UInt32>) {
        for frame in 0..<UInt32(region.geometry.frameCount) where !kept.contains(frame) { region.clear(frame: frame) }
        self.region = region
        ledger = FrameLedger(frameCount: region.geometry.frameCount, taken: kept)
    }

    var frameCount: Int { ledger.frameCount }
    var freeCount: Int { ledger.freeCount }

    /// Takes one frame for each of the given 64 KiB of an assignment's piece.
    /// - Returns: nil, and nothing is taken, when there are too few.
    mutating func take(for assignment: AssignmentID, indexes: some Collection<UInt32>) -> [UInt32]? {
        guard let taken = ledger.take(indexes.count) else { return nil }
        for (frame, index) in zip(taken, indexes) { region.claim(frame: frame, for: assignment, index: index) }
        return taken
    }

    mutating func free(_ frames: [UInt32]) {
        for frame in frames { region.clear(frame: frame) }
        ledger.free(frames)
    }
}
