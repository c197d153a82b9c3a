package import BitTorrent
package import Logging
package import PoolProtocol

/// What a worker tells of itself as it works: its events, to the trail that outlives it and at `debug` to the log; and at
/// `trace` the way of every block, to the log. Below these levels no text is made of anything. Of the loop's thread.
package struct Chronicle {
    package let logger: Logger
    /// nil: nobody would look at it.
    private let trail: TrailWriter?
    private let clock: () -> MonotonicInstant
    private let tellsEvents: Bool
    /// Single blocks are told of. To be asked before anything is done for `follow`.
    package let followsBlocks: Bool

    package init(_ logger: Logger, trail: TrailWriter?, clock: @escaping () -> MonotonicInstant) {
        self.logger = logger
        self.trail = trail
        self.clock = clock
        tellsEvents = logger.logLevel <= .debug
        followsBlocks = logger.logLevel <= .trace
    }

    /// - Parameters:
    ///   - number: as the event has it; see `TrailEvent.numberMeaning`.
    ///   - detail: for the log alone.
    package func note(
        _ event: TrailEvent, _ tags: Tags = Tags(), number: UInt32 = 0, detail: @autoclosure () -> String = ""
    ) {
        let record = TrailRecord(event, tags, number: number, time: clock())
        trail?.add(record)
        guard tellsEvents else { return }
        let detail = detail()
        logger.debug("\(record.text)\(detail.isEmpty ? "" : " (\(detail))")")
    }

    /// How much an event matters that is told at every level down to its own.
    package enum Weight {
        /// The supervisor warns of it itself.
        case notice
        /// Somebody may have to see to it.
        case warning
        /// It should not have come to this.
        case error
    }

    /// As `note`, for what must not be missed.
    package func complain(
        _ event: TrailEvent, _ tags: Tags = Tags(), number: UInt32 = 0, as weight: Weight = .error, detail: String
    ) {
        let record = TrailRecord(event, tags, number: number, time: clock())
        trail?.add(record)
        let level: Logger.Level =
            switch weight {
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
        logger.log(level: level, "\(record.text) (\(detail))")
    }

    /// A step of one block; only while `followsBlocks`.
    package func follow(_ step: BlockStep, _ tags: Tags, slot: UInt32? = nil) {
        logger.trace("\(tags): \(step.text(slot: slot))")
    }
}
