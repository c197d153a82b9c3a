import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime

/// Reads up to sixteen pieces side by side, a stride of each at a time, and hashes the strides in lanes while they are
/// hot in the cache. A lane that ends takes the next piece, so that pieces of unequal length keep all lanes busy.
/// Belongs to one thread.
struct RecheckLanes: ~Copyable {
    /// Bytes of each piece between two hashing turns: the strides of sixteen lanes fill a core's second-level cache.
    /// 7.7 GiB/s on two cores of an EPYC 9004; 16 KiB reach 6.6, 128 KiB 5.5 (measured).
    static let strideByteCount = 65536
    /// Distance of two lanes' buffers: strides and a line, so that lanes do not fight for the same sets of the cache.
    private static let pitch = strideByteCount + 64

    private struct Lane {
        let piece: PieceToHash
        let byteCount: UInt64
        var reader: SpanReader
        var state = SHA1State()
        /// What was read and not hashed yet, in the lane's own buffer.
        let buffer: UnsafeMutableRawPointer
        var unhashed = 0..<0
    }

    private var lanes: [Lane] = []
    private var freeBuffers: [UnsafeMutableRawPointer]
    private let memory: UnsafeMutableRawPointer
    private var counts = AssemblyTable.Counts()
    private let status: StatusPageWriter?

    /// - Parameter status: is told of the calls that may block.
    init(status: StatusPageWriter?) {
        self.status = status
        let memory = UnsafeMutableRawPointer.allocate(byteCount: SHA1Lanes.width * Self.pitch, alignment: 4096)
        self.memory = memory
        freeBuffers = (0..<SHA1Lanes.width).reversed().map { memory + $0 * Self.pitch }
    }

    deinit { memory.deallocate() }

    var isEmpty: Bool { lanes.isEmpty }
    /// Pieces that can be taken on before the next turn.
    var freeCount: Int { freeBuffers.count }

    /// - Precondition: `freeCount` > 0.
    mutating func take(_ piece: PieceToHash, _ reader: SpanReader) {
        lanes.append(
            Lane(
                piece: piece, byteCount: UInt64(reader.remainingByteCount), reader: reader,
                buffer: freeBuffers.removeLast()))
    }

    /// Reads where a buffer is empty, hashes as far as every lane has bytes, and tells of the pieces that ended.
    mutating func turn(into answers: inout [DiskAnswer]) {
        status.duringRead { readStrides(into: &answers) }
        hash()
        finish(into: &answers)
    }

    /// What was hashed since the last call.
    mutating func takeCounts() -> AssemblyTable.Counts {
        defer { counts = AssemblyTable.Counts() }
        return counts
    }

    private mutating func readStrides(into answers: inout [DiskAnswer]) {
        for index in lanes.indices.reversed() where lanes[index].unhashed.isEmpty {
            let byteCount = min(Self.strideByteCount, lanes[index].reader.remainingByteCount)
            let buffer = UnsafeMutableRawBufferPointer(start: lanes[index].buffer, count: byteCount)
            do throws(SpanReader.Failure) {
                try lanes[index].reader.read(into: buffer)
                lanes[index].unhashed = 0..<byteCount
            } catch {
                switch error {
                case .short: end(index, .short, into: &answers)
                case .unreadable(let errno): end(index, .unreadable(errno: UInt32(errno)), into: &answers)
                }
            }
        }
    }

    private mutating func hash() {
        let active = lanes.indices.filter { lanes[$0].unhashed.count >= SHA1State.blockByteCount }
        guard var run = active.map({ lanes[$0].unhashed.count }).min() else { return }
        run -= run % SHA1State.blockByteCount
        var step = SHA1Lanes()
        for index in active {
            step.append(lanes[index].state, at: lanes[index].buffer + lanes[index].unhashed.lowerBound)
        }
        step.advance(blockCount: run / SHA1State.blockByteCount)
        for (lane, index) in active.enumerated() {
            lanes[index].state = step[lane]
            lanes[index].unhashed = lanes[index].unhashed.dropFirst(run)
        }
        counts.hashedByteCount += UInt64(run * active.count)
        counts.stepCount += 1
        counts.laneCount += UInt64(active.count)
    }

    private mutating func finish(into answers: inout [DiskAnswer]) {
        for index in lanes.indices.reversed() {
            let lane = lanes[index]
            guard lane.reader.remainingByteCount == 0, lane.unhashed.count < SHA1State.blockByteCount else { continue }
            let tail = UnsafeRawBufferPointer(start: lane.buffer + lane.unhashed.lowerBound, count: lane.unhashed.count)
            let digest = lane.state.digest(tail: tail, messageByteCount: lane.byteCount)
            counts.hashedByteCount += UInt64(tail.count)
            end(index, .digest(digest), into: &answers)
        }
    }

    private mutating func end(_ index: Int, _ outcome: HashedPiece.Outcome, into answers: inout [DiskAnswer]) {
        let lane = lanes[index]
        freeBuffers.append(lane.buffer)
        lanes.swapAt(index, lanes.count - 1)
        lanes.removeLast()
        answers.append(lane.piece.answer(outcome))
    }
}

extension StatusPageWriter? {
    /// Marks a call that may block, if there is a page to mark it on.
    func duringRead<Result>(_ body: () -> Result) -> Result {
        guard let self else { return body() }
        return self.during(.read, body)
    }
}
