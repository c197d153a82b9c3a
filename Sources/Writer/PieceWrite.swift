import BitTorrent
import PoolProtocol

/// Owns how much of one assignment's bytes is in the files; its frames may come in parts, in any order and twice.
struct PieceWrite {
    enum Content: Equatable {
        /// A verified piece.
        case whole
        /// The marked blocks of an unfinished one.
        case blocks(BlockSet)
    }

    private enum FrameState {
        /// Not handed over yet.
        case missing
        /// Waiting or being written.
        case queued
        /// In the page cache, or nothing to write in it.
        case done
    }

    let assignment: AssignmentID
    let piece: PieceIndex
    let content: Content
    /// Bytes of the whole piece.
    let byteCount: UInt32
    var owner: Incarnation
    /// The owner died while its frames were being read: they are read to the end, and its successor is told.
    var isOrphan = false
    private var frames: [FrameState]
    private var notDoneCount: Int

    init(_ batch: FrameBatch, content: Content, owner: Incarnation) {
        assignment = batch.assignment
        piece = batch.piece
        byteCount = batch.byteCount
        self.content = content
        self.owner = owner
        let count = AssemblyGeometry.framesNeeded(pieceByteCount: batch.byteCount)
        frames = Array(repeating: .missing, count: count)
        if case .blocks(let blocks) = content {
            for index in frames.indices where Self.runs(of: blocks, inFrame: index).isEmpty { frames[index] = .done }
        }
        notDoneCount = frames.count { $0 != .done }
    }

    var isDone: Bool { notDoneCount == 0 }

    /// Takes the frames of a part that are new.
    /// - Returns: runs of them, as positions in the piece.
    mutating func take(_ part: Range<Int>) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for index in part where frames[index] == .missing {
            frames[index] = .queued
            if let last = runs.last, last.upperBound == index {
                runs[runs.count - 1] = last.lowerBound..<index + 1
            } else {
                runs.append(index..<index + 1)
            }
        }
        return runs
    }

    mutating func written(_ part: Range<Int>) {
        for index in part where frames[index] == .queued {
            frames[index] = .done
            notDoneCount -= 1
        }
    }

    /// Queued frames that will not be read after all.
    mutating func dropped(_ part: Range<Int>) {
        for index in part where frames[index] == .queued { frames[index] = .missing }
    }

    /// The bytes of a frame that are to be written, as ranges within the piece.
    func ranges(ofFrame index: Int) -> [Range<UInt32>] {
        let frameBytes = UInt32(AssemblyGeometry.frameByteCount)
        switch content {
        case .whole:
            let start = UInt32(index) * frameBytes
            return [start..<min(start + frameBytes, byteCount)]
        case .blocks(let blocks):
            let blockBytes = TorrentGeometry.blockByteCount
            return Self.runs(of: blocks, inFrame: index).map { run in
                run.lowerBound * blockBytes..<min(run.upperBound * blockBytes, byteCount)
            }
        }
    }

    private static func runs(of blocks: BlockSet, inFrame index: Int) -> [Range<UInt32>] {
        let first = index * AssemblyGeometry.blocksPerFrame
        var runs: [Range<UInt32>] = []
        for block in first..<min(first + AssemblyGeometry.blocksPerFrame, blocks.blockCount)
        where blocks.contains(UInt32(block)) {
            if let last = runs.last, Int(last.upperBound) == block {
                runs[runs.count - 1] = last.lowerBound..<UInt32(block + 1)
            } else {
                runs.append(UInt32(block)..<UInt32(block + 1))
            }
        }
        return runs
    }
}
