package import BitTorrent
import CLinux
import Glibc
package import PoolProtocol

/// The worker's side of its status page. The loop's thread writes the turns, the disk thread writes its calls.
package final class StatusPageWriter: @unchecked Sendable {
    // Each field has one writing thread and is stored as a whole word; readers are other processes.
    private let mapping: RegionMapping
    private var turn: UInt64 = 0
    private var progress: UInt64 = 0
    private var usefulTime: UInt64 = 0
    /// Something came or went in this turn.
    private var isUseful = false
    private var heldCount = 0
    private var turnStarted = MonotonicInstant.distantPast
    private var handler = LoopHandler.none
    private var handlerStarted = MonotonicInstant.distantPast
    /// A handler that takes this long is counted as slow.
    private let slowLimit: Duration
    /// The last events; the loop's thread only.
    package let trail: TrailWriter

    package init(_ mapping: RegionMapping, slowLimit: Duration) {
        self.mapping = mapping
        trail = TrailWriter(mapping)
        self.slowLimit = slowLimit
    }

    /// A page of this process's own, for the supervisor, whose loop is looked at like any other.
    package static func makeOwn(
        slowLimit: Duration = SlowHandler.usualLimit
    ) throws(SystemCallError) -> (writer: StatusPageWriter, reader: StatusPageReader) {
        let memory = try RegionMapping.makeRegion(name: "status", byteCount: StatusPage.byteCount)
        let mapping = try RegionMapping(
            descriptor: memory.rawValue, byteCount: StatusPage.byteCount, access: .readWrite)
        return (StatusPageWriter(mapping, slowLimit: slowLimit), StatusPageReader(mapping))
    }

    /// The loop woke up.
    package func turnBegan(now: MonotonicInstant) {
        turn &+= 1
        turnStarted = now
        handlerStarted = now
        store(turn, StatusPage.turnOffset)
        store(UInt64(now.nanoseconds), StatusPage.turnStartedOffset)
    }

    /// What the loop's thread does from now on; what it did until now is over.
    package func handles(_ handler: LoopHandler, now: MonotonicInstant) {
        handlerEnded(now: now)
        self.handler = handler
        handlerStarted = now
        store(handler.rawValue, StatusPage.handlerOffset)
    }

    private func handlerEnded(now: MonotonicInstant) {
        let duration = now - handlerStarted
        guard duration >= slowLimit, handler != .none else { return }
        let place = StatusPage.slowHandlersOffset + 16 * Int(handler.rawValue)
        let nanoseconds = UInt64(max(0, duration.wholeNanoseconds))
        if nanoseconds > load(place + 8) { store(nanoseconds, place + 8) }
        store(load(place) &+ 1, place)
    }

    /// The loop goes to wait.
    package func turnEnded(now: MonotonicInstant) {
        handlerEnded(now: now)
        handler = .none
        add(now - turnStarted, to: StatusPage.turnTimesOffset)
        if isUseful {
            isUseful = false
            usefulTime &+= UInt64(max(0, (now - turnStarted).wholeNanoseconds))
            store(usefulTime, StatusPage.usefulTimeOffset)
        }
        store(UInt64(now.nanoseconds), StatusPage.turnEndedOffset)
        store(LoopHandler.none.rawValue, StatusPage.handlerOffset)
        store(0, StatusPage.turnStartedOffset)
    }

    /// An fsync ended; the disk thread only.
    package func synced(_ duration: Duration) { add(duration, to: StatusPage.syncTimesOffset) }

    /// Blocks that went to successors so far; the loop's thread only.
    package func resent(blockCount: UInt64) { store(blockCount, StatusPage.resentBlockCountOffset) }

    /// Payload bytes that moved since the last call; the loop's thread only.
    package func moved(byteCount: Int) {
        progress &+= UInt64(byteCount)
        store(progress, StatusPage.progressOffset)
        if byteCount > 0 { worked() }
    }

    package var movedByteCount: UInt64 { progress }

    /// Something came or went in this turn, besides what `moved` tells; the loop's thread only.
    package func worked() { isUseful = true }

    /// What is held at the end of a turn; the loop's thread only.
    package func holds(_ count: Int) {
        guard count != heldCount else { return }
        heldCount = count
        store(UInt64(count), StatusPage.heldCountOffset)
    }

    /// Once, before `ready`.
    package func lockedDown(_ state: SandboxState) { store(state.word, StatusPage.sandboxOffset) }

    /// Frames of the control connection so far; the loop's thread only.
    package func counted(sentNews: UInt64, receivedOrders: UInt64) {
        store(sentNews, StatusPage.sentNewsOffset)
        store(receivedOrders, StatusPage.receivedOrdersOffset)
    }

    /// Messages handed to libzmq so far; the loop's thread only.
    package func sent(messageCount: UInt64) { store(messageCount, StatusPage.sentMessagesOffset) }

    /// Marks a call of the disk thread that may block, for as long as `body` runs.
    package func during<Result, Failure: Error>(
        _ call: DiskCall, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        store(UInt64(MonotonicClock.now.nanoseconds), StatusPage.diskCallStartedOffset)
        store(call.rawValue, StatusPage.diskCallOffset)
        defer { store(0, StatusPage.diskCallOffset) }
        return try body()
    }

    /// From now on the calling thread tells where it is when `StatusPageReader.stackSignal` comes, and any thread when a fault
    /// ends the process.
    package func tellsStacks() throws(SystemCallError) {
        let area = (mapping.base + StatusPage.stackOffset).assumingMemoryBound(to: UInt64.self)
        try checked("sigaction", clinux_stack_install(area, StatusPageReader.stackSignal))
    }

    private func store(_ value: UInt64, _ offset: Int) { clinux_store_release_64(mapping.base + offset, value) }
    private func load(_ offset: Int) -> UInt64 { clinux_load_acquire_64(mapping.base + offset) }

    /// One value more in a histogram. Each has one writing thread.
    private func add(_ duration: Duration, to histogram: Int) {
        let nanoseconds = UInt64(max(0, duration.wholeNanoseconds))
        let bucket = histogram + 8 * TimeHistogram.bucket(ofNanoseconds: nanoseconds)
        store(load(bucket) &+ 1, bucket)
        let longest = histogram + 8 * TimeHistogram.bucketCount
        if nanoseconds > load(longest) { store(nanoseconds, longest) }
        store(load(longest + 8) &+ nanoseconds, longest + 8)
    }
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
    /// Of the loop's thread, in turns in which something came or went; at most the time since the process began, or a lie.
    package var usefulTime: Duration { .nanoseconds(Int64(clamping: load(StatusPage.usefulTimeOffset))) }
    package var sentMessageCount: UInt64 { load(StatusPage.sentMessagesOffset) }
    package var heldCount: Int { Int(clamping: load(StatusPage.heldCountOffset)) }
    package var sentNews: UInt64 { load(StatusPage.sentNewsOffset) }
    package var receivedOrders: UInt64 { load(StatusPage.receivedOrdersOffset) }
    /// nil while the loop waits.
    package var turnStarted: MonotonicInstant? {
        let started = load(StatusPage.turnStartedOffset)
        return started == 0 ? nil : MonotonicInstant(nanoseconds: Int64(truncatingIfNeeded: started))
    }
    /// nil before the end of the first turn.
    package var turnEnded: MonotonicInstant? {
        let ended = load(StatusPage.turnEndedOffset)
        return ended == 0 ? nil : MonotonicInstant(nanoseconds: Int64(truncatingIfNeeded: ended))
    }
    package var handler: LoopHandler { LoopHandler(rawValue: load(StatusPage.handlerOffset)) ?? .none }
    package var resentBlockCount: UInt64 { load(StatusPage.resentBlockCountOffset) }
    /// To be read at `ready` and kept: a worker that is taken over later may write here what it likes.
    package var sandbox: SandboxState? { SandboxState(word: load(StatusPage.sandboxOffset)) }
    package var turnTimes: TimeHistogram { histogram(StatusPage.turnTimesOffset) }
    package var syncTimes: TimeHistogram { histogram(StatusPage.syncTimesOffset) }

    /// The kinds of handlers of which at least one was slow.
    package var slowHandlers: [SlowHandler] {
        LoopHandler.allCases.compactMap { handler in
            let place = StatusPage.slowHandlersOffset + 16 * Int(handler.rawValue)
            let count = load(place)
            guard count > 0 else { return nil }
            return SlowHandler(handler, count: count, longest: .nanoseconds(Int64(clamping: load(place + 8))))
        }
    }

    private func histogram(_ offset: Int) -> TimeHistogram {
        let end = offset + 8 * TimeHistogram.bucketCount
        return TimeHistogram(
            counts: (0..<TimeHistogram.bucketCount).map { load(offset + 8 * $0) }, longestNanoseconds: load(end),
            totalNanoseconds: load(end + 8))
    }

    /// What asks for a stack: who has not begun to tell ignores it.
    package static let stackSignal = SIGURG

    /// Where a thread of the worker was.
    package struct Stack: Equatable {
        /// Goes up by one with each.
        package var sequence: UInt64
        /// Why it was told: `stackSignal`, or the fault that ended the process.
        package var signal: CInt
        /// Where the program's own code lies.
        package var code: Range<UInt64>
        /// Innermost first.
        package var addresses: [UInt64]
    }

    /// The last stack that was told; nil when none was.
    package var stack: Stack? {
        func word(_ index: Int) -> UInt64 { load(StatusPage.stackOffset + 8 * index) }
        let sequence = word(clinux_stack_sequence)
        guard sequence > 0 else { return nil }
        let start = word(clinux_stack_code_start), end = word(clinux_stack_code_end)
        let count = min(word(clinux_stack_count), UInt64(clinux_stack_capacity))
        return Stack(
            sequence: sequence, signal: CInt(truncatingIfNeeded: word(clinux_stack_signal)),
            code: start..<max(start, end),
            addresses: (0..<Int(count)).map { word(clinux_stack_addresses + $0) })
    }

    private func load(_ offset: Int) -> UInt64 { clinux_load_acquire_64(mapping.base + offset) }
    /// For the parts of the page that have a file of their own.
    func word(_ offset: Int) -> UInt64 { load(offset) }
}
