import PoolProtocol

/// Owns how many processes there are and how the memory is shared out. Pure arithmetic; spawns nothing.
struct PoolPlan: Equatable {
    /// Why a plan cannot be made.
    enum Impossible: Error, Equatable {
        /// A piece needs more than any region can hold: exit 28, and the `--memory` that would do.
        case pieceTooLong(pieceByteCount: UInt32, neededMemory: Int)
    }

    private static let mebibyte = 1 << 20
    /// Bounds of the default of `--memory`; below the first even small pieces would starve, above the second more
    /// memory was never seen to help (a guess until measured).
    static let defaultMemoryBounds = 96 * mebibyte...1024 * mebibyte
    /// Smallest `--memory` that is accepted.
    static let smallestMemory = 8 * mebibyte
    /// Intake regions stay small, so that their slots stay in the cache.
    static let intakeBounds = mebibyte...8 * mebibyte
    /// A piece may take this share of one assembly region at most, so that several are open side by side.
    private static let largestPieceShare = 4

    var peerWorkerCount: Int
    var hashWorkerCount: Int
    var hasWriter: Bool
    /// Bytes of each peer-worker's intake region.
    var intakeByteCount: Int
    /// Bytes of each hash-worker's assembly region.
    var assemblyByteCount: Int

    /// The plan of a download.
    /// - Parameters:
    ///   - memory: all regions together, nil for the default: six times the longest piece, within bounds.
    ///   - longestPieceByteCount: of all torrents of the run, "real" (no longer than its torrent).
    init(
        peerWorkers: Int, hashWorkers: Int, memory: Int?, longestPieceByteCount: UInt32
    ) throws(Impossible) {
        let wanted = 6 * Int(longestPieceByteCount)
        let total = memory ?? min(max(wanted, Self.defaultMemoryBounds.lowerBound), Self.defaultMemoryBounds.upperBound)
        intakeByteCount = Self.intakeByteCount(memory: total, peerWorkers: peerWorkers)
        let assembly = Self.assemblyByteCount(memory: total, peerWorkers: peerWorkers)
        let framesNeeded = AssemblyGeometry.framesNeeded(pieceByteCount: longestPieceByteCount)
        func share(_ count: Int) -> Int { assembly / count / 4096 * 4096 }
        func fits(_ count: Int) -> Bool {
            AssemblyGeometry(byteCount: share(count)).frameCount >= framesNeeded * Self.largestPieceShare
        }
        // Fewer and larger regions before none: one long piece must still fit beside others.
        var hashers = hashWorkers
        while hashers > 1 && !fits(hashers) { hashers -= 1 }
        guard AssemblyGeometry(byteCount: share(hashers)).frameCount >= framesNeeded else {
            func frameCount(memory: Int) -> Int {
                AssemblyGeometry(byteCount: Self.assemblyByteCount(memory: memory, peerWorkers: peerWorkers)).frameCount
            }
            var needed = total / Self.mebibyte * Self.mebibyte
            while frameCount(memory: needed) < framesNeeded { needed += Self.mebibyte }
            throw .pieceTooLong(pieceByteCount: longestPieceByteCount, neededMemory: needed)
        }
        peerWorkerCount = peerWorkers
        hashWorkerCount = hashers
        hasWriter = true
        assemblyByteCount = share(hashers)
    }

    /// Of each peer-worker: a quarter of the memory over all, in whole slots.
    private static func intakeByteCount(memory: Int, peerWorkers: Int) -> Int {
        let share = min(max(memory / 4 / peerWorkers, intakeBounds.lowerBound), intakeBounds.upperBound)
        return share / IntakeGeometry.slotByteCount * IntakeGeometry.slotByteCount
    }

    /// Of all hash-workers together: what intake leaves, and half at least.
    private static func assemblyByteCount(memory: Int, peerWorkers: Int) -> Int {
        max(memory - intakeByteCount(memory: memory, peerWorkers: peerWorkers) * peerWorkers, memory / 2)
    }

    /// The plan of a check of files: hash-workers alone, and regions of no use but to be there.
    init(checkingWith hashWorkers: Int) {
        peerWorkerCount = 0
        hashWorkerCount = hashWorkers
        hasWriter = false
        intakeByteCount = 0
        assemblyByteCount = 16 * AssemblyGeometry.frameByteCount
    }

    /// Every place, in the order in which they start.
    var places: [Place] {
        (hasWriter ? [Place(.writer, 0)] : []) + (0..<hashWorkerCount).map { Place(.hashWorker, $0) }
            + (0..<peerWorkerCount).map { Place(.peerWorker, $0) }
    }

    func regionByteCount(of role: Role) -> Int {
        switch role {
        case .peerWorker: intakeByteCount
        case .hashWorker: assemblyByteCount
        case .writer, .supervisor: 0
        }
    }

    /// Frames of each hash-worker: the supervisor counts them to open no more pieces than fit.
    var frameCount: Int { AssemblyGeometry(byteCount: assemblyByteCount).frameCount }
}
