import CSHA1

/// Up to sixteen SHA-1 states that read in step, each its own bytes: one step costs little more than one stream alone.
///
/// Fill it, advance, read the states back, empty it and fill it again; nothing is allocated on the way. Which kernel runs
/// follows from the number of lanes and from the CPU; fewer lanes are never slower than one state after another.
package struct SHA1Lanes {
    /// Lanes at most: the words of an AVX-512 register.
    package static let width = 16

    /// Lanes in use; they are numbered `0..<count` in the order of `append`.
    package private(set) var count = 0
    /// The first `count` are in use, here and below.
    private var states = InlineArray<16, SHA1State>(repeating: SHA1State())
    /// What each lane reads next.
    private var positions = InlineArray<16, UnsafePointer<UInt8>?>(repeating: nil)

    package init() {}

    package var isFull: Bool { count == Self.width }

    /// Takes a lane for a message that has come to `state` and goes on at `position`, at any alignment.
    /// The bytes must stay where they are, readable and unchanged, as long as `advance` is called for them.
    /// - Returns: the number of the lane.
    /// - Precondition: not full.
    @discardableResult
    package mutating func append(_ state: SHA1State, at position: UnsafeRawPointer) -> Int {
        precondition(!isFull, "at most sixteen lanes")
        let lane = count
        states[lane] = state
        positions[lane] = position.assumingMemoryBound(to: UInt8.self)
        count += 1
        return lane
    }

    /// Reads `blockCount` × 64 bytes in every lane; each goes on behind them next time.
    package mutating func advance(blockCount: Int) {
        precondition(blockCount >= 0)
        let lanes = count
        var stateSpan = states.mutableSpan
        stateSpan.withUnsafeMutableBytes { stateBytes in
            positions.span.withUnsafeBufferPointer { positions in
                withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<UInt32>?.self, capacity: Self.width) { words in
                    for lane in 0..<lanes {
                        let state = stateBytes.baseAddress! + lane * MemoryLayout<SHA1State>.stride
                        words.initializeElement(at: lane, to: state.assumingMemoryBound(to: UInt32.self))
                    }
                    csha1_compress_lanes(words.baseAddress, positions.baseAddress, UInt32(lanes), blockCount)
                }
            }
        }
        for lane in 0..<lanes { positions[lane]! += blockCount * SHA1State.blockByteCount }
    }

    /// Where the message of a lane has come to.
    package subscript(lane: Int) -> SHA1State {
        precondition(lane >= 0 && lane < count, "no such lane")
        return states[lane]
    }

    /// Gives all lanes back.
    package mutating func removeAll() {
        count = 0
    }
}
