/// Layout of the memory that every worker shares with the supervisor: written by the worker's own loop, read by the
/// supervisor, which believes nothing in it (all fields are plain numbers with no meaning for memory).
package enum StatusPage {
    package static let layoutVersion: UInt32 = 6
    package static let byteCount = 8192

    /// Turns of the worker's loop; a count that stands still is a loop that hangs or spins. u64.
    package static let turnOffset = 0
    /// Nanoseconds of the monotonic clock at the start of this turn; 0 while the loop waits for events. u64.
    package static let turnStartedOffset = 8
    /// `DiskCall` in progress on the disk thread, 0 when none. u64.
    package static let diskCallOffset = 16
    /// Nanoseconds of the monotonic clock when that call began. u64.
    package static let diskCallStartedOffset = 24
    /// Payload bytes that went through this process since its start. u64.
    package static let progressOffset = 32
    /// What the worker has in its memory at the end of a turn: a peer-worker's slots in use, a hash-worker's frames, a
    /// writer's pieces. Told here and not in a message, so that it outlives the process. u64.
    package static let heldCountOffset = 40
    /// Frames that this process handed to its control connection. u64.
    package static let sentNewsOffset = 48
    /// Frames that came over its control connection. u64.
    package static let receivedOrdersOffset = 56
    /// Nanoseconds of the monotonic clock at the end of the last turn. u64.
    package static let turnEndedOffset = 64
    /// `LoopHandler` that the loop's thread is in, 0 while it waits. u64.
    package static let handlerOffset = 72
    /// Blocks that a peer-worker handed to the successor of a hash-worker. u64.
    package static let resentBlockCountOffset = 80
    /// Nanoseconds of all turns in which something came or went: payload, reads and writes of connections, their
    /// beginnings and ends, frames of neighbours, descriptors, hashed bytes (`Spinning`). u64.
    package static let usefulTimeOffset = 88
    /// Records that were ever written to the trail. u64.
    package static let trailCountOffset = 96
    /// `SandboxState` as a word; 0 until the worker is locked down. u64.
    package static let sandboxOffset = 104
    /// Messages that this process handed to libzmq, of all its sockets. u64.
    package static let sentMessagesOffset = 112

    /// How long each turn of the loop took, that is how long whatever came meanwhile had to wait: `TimeHistogram`, its
    /// buckets, then the longest and the sum, all u64.
    package static let turnTimesOffset = 128
    /// How long each fsync of the disk thread took, in the same form.
    package static let syncTimesOffset = 1024
    /// Of a histogram on the page.
    package static let histogramByteCount = 8 * (TimeHistogram.bucketCount + 2)
    /// By `LoopHandler`, two u64 each: how often one took longer than the launch order allows, and the longest time in
    /// nanoseconds.
    package static let slowHandlersOffset = 2048
    /// Where the loop's thread was when it was asked, or when a fault came; what it holds says clinux_stack.h.
    package static let stackOffset = 3072
    /// The worker's last events, a ring of `TrailRecord`s.
    package static let trailOffset = 4096
    package static let trailCapacity = 128
}

/// What a loop's thread is doing, as the status page has it.
package enum LoopHandler: UInt64, Sendable, CaseIterable {
    /// It waits for events.
    case none = 0
    /// Something is readable or writable: connections, listeners, files of other threads.
    case descriptor
    /// Orders of the supervisor.
    case orders
    /// Frames of other workers; in the supervisor all that workers say.
    case neighbours
    /// Descriptors that came over the lifeline.
    case lifeline
    /// A timer is due.
    case timer
    /// What the turn has gathered is seen to and sent.
    case turnEnd

    package var name: String {
        switch self {
        case .none: "waiting"
        case .descriptor: "descriptor"
        case .orders: "orders"
        case .neighbours: "neighbours"
        case .lifeline: "lifeline"
        case .timer: "timer"
        case .turnEnd: "turn-end"
        }
    }
}

/// What the disk thread of a worker may be busy with; never a reason to kill the worker.
package enum DiskCall: UInt64, Sendable, CaseIterable {
    case none = 0
    case open
    case write
    case sync
    case allocate
    case read
    case lock

    package var name: String {
        switch self {
        case .none: "none"
        case .open: "open"
        case .write: "write"
        case .sync: "sync"
        case .allocate: "allocate"
        case .read: "read"
        case .lock: "lock"
        }
    }
}
