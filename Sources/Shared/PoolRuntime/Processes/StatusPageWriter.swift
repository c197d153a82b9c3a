package import BitTorrent
import CLinux
package import PoolProtocol

/// The worker's side of its status page. The loop's thread writes the turns, the disk thread writes its calls.
package final class StatusPageWriter: @unchecked Sendable {
    // Each field has one writing thread and is stored as a whole word; readers are other processes.
    private let mapping: RegionMapping
    private var turn: UInt64 = 0
    private var progress: UInt64 = 0
    private var heldCount = 0

    package init(_ mapping: RegionMapping) { self.mapping = mapping }

    /// The loop woke up.
    package func turnBegan(now: MonotonicInstant) {
        turn &+= 1
        store(turn, StatusPage.turnOffset)
        store(UInt64(now.nanoseconds), StatusPage.turnStartedOffset)
    }

    /// The loop goes to wait.
    package func turnEnded() { store(0, StatusPage.turnStartedOffset) }

    /// Payload bytes that moved since the last call; the loop's thread only.
    package func moved(byteCount: Int) {
        progress &+= UInt64(byteCount)
        store(progress, StatusPage.progressOffset)
    }

    /// What is held at the end of a turn; the loop's thread only.
    package func holds(_ count: Int) {
        guard count != heldCount else { return }
        heldCount = count
        store(UInt64(count), StatusPage.heldCountOffset)
    }

    /// Frames of the control connection so far; the loop's thread only.
    package func counted(sentNews: UInt64, receivedOrders: UInt64) {
        store(sentNews, StatusPage.sentNewsOffset)
        store(receivedOrders, StatusPage.receivedOrdersOffset)
    }

    /// Marks a call of the disk thread that may block, for as long as `body` runs.
    package func during<Result, Failure: Error>(
        _ call: DiskCall, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        store(UInt64(MonotonicClock.now.nanoseconds), StatusPage.diskCallStartedOffset)
        store(call.rawValue, StatusPage.diskCallOffset)
        defer { store(0, StatusPage.diskCallOffset) }
        return try body()
    }

    private func store(_ value: UInt64, _ offset: Int) { clinux_store_release_64(mapping.base + offset, value) }
}

/// The supervisor's side: a look at the page, of which nothing is believed but that its numbers changed.
package struct StatusPageReader {
    private let mapping: RegionMapping
    package init(_ mapping: RegionMapping) { self.mapping = mapping }

    package var turn: UInt64 { load(StatusPage.turnOffset) }
    package var diskCall: DiskCall { DiskCall(rawValue: load(StatusPage.diskCallOffset)) ?? .none }
    package var diskCallStarted: MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(truncatingIfNeeded: load(StatusPage.diskCallStartedOffset)))
    }
    package var progress: UInt64 { load(StatusPage.progressOffset) }
    package var heldCount: Int { Int(clamping: load(StatusPage.heldCountOffset)) }
    package var sentNews: UInt64 { load(StatusPage.sentNewsOffset) }
    package var receivedOrders: UInt64 { load(StatusPage.receivedOrdersOffset) }

    private func load(_ offset: Int) -> UInt64 { clinux_load_acquire_64(mapping.base + offset) }
}
