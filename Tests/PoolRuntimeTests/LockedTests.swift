import PoolRuntime
import Testing

struct LockedTests {
    @Test func nothingThatThreadsAddIsLost() throws {
        let sum = Locked(0)
        let running = Locked(4)
        let ended = try EventDescriptor()
        for _ in 1...4 {
            try DetachedThread.start {
                for _ in 1...50_000 { sum.withLock { $0 += 1 } }
                let isLast = running.withLock { count in
                    count -= 1
                    return count == 0
                }
                if isLast { ended.signal() }
            }
        }
        while running.withLock({ $0 > 0 }) { ended.wait() }
        #expect(sum.withLock { $0 } == 200_000)
    }

    @Test func anErrorLeavesItUnlocked() {
        struct Refusal: Error {}
        let value = Locked(1)
        #expect(throws: Refusal.self) { try value.withLock { _ throws(Refusal) in throw Refusal() } }
        #expect(value.withLock { $0 } == 1)
    }
}
