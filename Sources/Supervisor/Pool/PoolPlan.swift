import BitTorrent
import PoolProtocol

/// Owns how many processes there are and how the memory is shared out. Pure arithmetic; spawns nothing.
struct PoolPlan: Equatable {
    /// Why a plan cannot be made: exit 28, and the least `--memory` that would do, in whole MiB.
    enum Impossible: Error, Equatable {
        /// A piece needs more than any region can hold.
        case pieceTooLong(pieceByteCount: UInt32, neededMemory: Int)
        /// Their intake regions alone would take more than half of the memory.
        case tooManyPeerWorkers(Int, neededMemory: Int)
    }

    private static let mebibyte = 1 << 20
    /// Of x86-64, and of ARM with pages of 4 KiB.
    private static let hugePage = 2 * mebibyte
    /// Bounds of the default of `--memory`; below the first even small pieces would starve, above the second more
    /// memory was never seen to help (a guess until measured).
    static let defaultMemoryBounds = 96 * mebibyte...1024 * mebibyte
    /// What the default has at least for each peer-worker: half of it is its intake.
    static let defaultMemoryPerPeerWorker = 2 * mebibyte
    /// Smallest `--memory` that is accepted.
    static let smallestMemory = 8 * mebibyte
    /// Intake regions stay small, so that their slots stay in the cache.
    static let intakeBounds = mebibyte...8 * mebibyte
    /// With little memory for many workers intake gets less than its lower bound, but never less than this: sixteen
    /// slots, so that three eighths of them are still company for a batch of references (a guess).
    static let leastIntake = 16 * IntakeGeometry.slotByteCount
    /// A piece may take this share of one assembly region at most, so that several are open side by side.
    private static let largestPieceShare = 4

    var peerWorkerCount: Int
    var hashWorkerCount: Int
    var hasWriter: Bool
    /// Bytes of each peer-worker's intake region.
    var intakeByteCount: Int
    /// Bytes of each hash-worker's assembly region.
    var assemblyByteCount: Int

    /// The plan of a download. All regions together never exceed the memory.
    /// - Parameters:
    ///   - memory: all regions together, nil for the default: six times the longest piece, within bounds.
    ///   - longestPieceByteCount: of all torrents of the run, "real" (no longer than its torrent).
    init(
        peerWorkers: Int, hashWorkers: Int, memory: Int?, longestPieceByteCount: UInt32
    ) throws(Impossible) {
        let total = memory ?? Self.defaultMemory(peerWorkers: peerWorkers, longestPieceByteCount)
        let framesNeeded = AssemblyGeometry.framesNeeded(pieceByteCount: longestPieceByteCount)
        /// - Returns: bytes of all assembly regions; nil when intake leaves too little.
        func assembly(_ memory: Int) -> Int? {
            Self.intakeByteCount(memory: memory, peerWorkers: peerWorkers).map { memory - $0 * peerWorkers }
        }
        func share(_ assembly: Int, _ count: Int) -> AssemblyGeometry {
            AssemblyGeometry(byteCount: assembly / count / 4096 * 4096)
        }
        func works(_ memory: Int) -> Bool {
            assembly(memory).map { share($0, 1).frameCount >= framesNeeded } ?? false
        }
        guard let intake = Self.intakeByteCount(memory: total, peerWorkers: peerWorkers), works(total) else {
            var needed = (total / Self.mebibyte + 1) * Self.mebibyte
            while !works(needed) { needed += Self.mebibyte }
            throw assembly(total) == nil
                ? .tooManyPeerWorkers(peerWorkers, neededMemory: needed)
                : .pieceTooLong(pieceByteCount: longestPieceByteCount, neededMemory: needed)
        }
        /// - Returns: hash-workers, and pieces that each has room for.
        func assembling(beside intake: Int) -> (hashers: Int, pieces: Int) {
            let rest = total - intake * peerWorkers
            // Fewer and larger regions before none: one long piece must still fit beside others.
            var hashers = hashWorkers
            while hashers > 1 && share(rest, hashers).frameCount < framesNeeded * Self.largestPieceShare {
                hashers -= 1
            }
            return (hashers, share(rest, hashers).frameCount / framesNeeded)
        }
        let whole = Self.inHugePages(intake, memory: total, peerWorkers: peerWorkers)
        let (usual, besideWhole) = (assembling(beside: intake), assembling(beside: whole))
        // Not at the expense of what pieces need: as many side by side as there are lanes.
        let isFree =
            besideWhole.hashers == usual.hashers && besideWhole.pieces >= min(usual.pieces, SHA1Lanes.width)
        peerWorkerCount = peerWorkers
        hashWorkerCount = usual.hashers
        hasWriter = true
        intakeByteCount = isFree ? whole : intake
        assemblyByteCount = (total - intakeByteCount * peerWorkers) / hashWorkerCount / 4096 * 4096
    }

    private static func defaultMemory(peerWorkers: Int, _ longestPieceByteCount: UInt32) -> Int {
        let least = max(defaultMemoryBounds.lowerBound, defaultMemoryPerPeerWorker * peerWorkers)
        return min(max(6 * Int(longestPieceByteCount), least), defaultMemoryBounds.upperBound)
    }

    /// From one huge page on the nearest number of whole ones: what is left over one would be mapped page by page, in every
    /// process that reads it (4 in place of 3 MiB for each of eight workers: 2 % less CPU). Never more than half of the memory
    /// over all.
    private static func inHugePages(_ intake: Int, memory: Int, peerWorkers: Int) -> Int {
        guard intake >= hugePage else { return intake }
        let nearest = (intake + hugePage / 2) / hugePage
        return min(nearest, memory / 2 / peerWorkers / hugePage) * hugePage
    }

    /// Of each peer-worker: a quarter of the memory over all, within bounds and in whole slots, but never more than half
    /// of the memory over all.
    /// - Returns: nil when that is less than `leastIntake`.
    private static func intakeByteCount(memory: Int, peerWorkers: Int) -> Int? {
        let wanted = min(max(memory / 4 / peerWorkers, intakeBounds.lowerBound), intakeBounds.upperBound)
        let share = min(wanted, memory / 2 / peerWorkers)
        return share < leastIntake ? nil : share / IntakeGeometry.slotByteCount * IntakeGeometry.slotByteCount
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

    /// Descriptors that the supervisor needs, besides its reserve: some forty of its own (standard streams, libzmq,
    /// trackers, logs), fourteen for those who look in (`ControlDesk`), eight for each place (two listeners, lifeline, stderr, pidfd, region, two of libzmq) and four for
    /// each torrent (directory, journal, two locks). Counted in /proc at work, with a little to spare.
    func descriptorCount(torrents: Int) -> Int { 54 + 8 * places.count + 4 * torrents }

    /// Whether the pool's processes wait for their turn when a message wakes them: with more peer-workers than cores each
    /// message would put its receiver in the place of the next who is about to send it one
    /// (docs/decisions/0016-messages-wait-for-a-turn.md).
    func waitsForTurns(coreCount: Int) -> Bool { peerWorkerCount > coreCount }

    func regionByteCount(of role: Role) -> Int {
        switch role {
        case .peerWorker: intakeByteCount
        case .hashWorker: assemblyByteCount
        case .writer, .supervisor: 0
        }
    }

    /// Slots of each peer-worker.
    var slotCount: Int { IntakeGeometry(byteCount: intakeByteCount).slotCount }

    /// Frames of each hash-worker: the supervisor counts them to open no more pieces than fit.
    var frameCount: Int { AssemblyGeometry(byteCount: assemblyByteCount).frameCount }
}
