/// Owns which frame of the assembly region is free. Last freed is first taken, so that hot frames stay in the cache.
package struct FrameLedger {
    private var freeFrames: [UInt32]
    private var isTaken: [Bool]

    package init(frameCount: Int) {
        freeFrames = (0..<UInt32(frameCount)).reversed()
        isTaken = Array(repeating: false, count: frameCount)
    }

    /// For a successor: the frames that hold listed pieces are taken from the start.
    package init(frameCount: Int, taken: Set<UInt32>) {
        isTaken = (0..<UInt32(frameCount)).map { taken.contains($0) }
        freeFrames = (0..<UInt32(frameCount)).reversed().filter { !taken.contains($0) }
    }

    package var freeCount: Int { freeFrames.count }
    package var frameCount: Int { isTaken.count }

    /// - Returns: nil, and nothing is taken, when fewer than `count` are free.
    package mutating func take(_ count: Int) -> [UInt32]? {
        guard count <= freeFrames.count else { return nil }
        let taken = [UInt32](freeFrames.suffix(count).reversed())
        freeFrames.removeLast(count)
        for frame in taken { isTaken[Int(frame)] = true }
        return taken
    }

    package mutating func free(_ frames: [UInt32]) {
        for frame in frames.reversed() {
            precondition(isTaken[Int(frame)], "a frame is freed once")
            isTaken[Int(frame)] = false
            freeFrames.append(frame)
        }
    }
}
