/// What the status page tells of one kind of handler: how often it took longer than it should, and the longest time.
package struct SlowHandler: Equatable, Sendable {
    package let handler: LoopHandler
    package let count: UInt64
    package let longest: Duration

    package init(_ handler: LoopHandler, count: UInt64, longest: Duration) {
        self.handler = handler
        self.count = count
        self.longest = longest
    }

    /// A wait of this length is felt by a person who looks on (a guess); `--slow-ms` says otherwise.
    package static let usualLimit: Duration = .milliseconds(100)
}

/// Owns which kinds of slow handlers of one process were told: each is worth a word once, and a count ever after.
package struct SlowHandlerNews {
    private var told: Set<LoopHandler> = []

    package init() {}

    /// - Parameter slow: all that the page tells.
    /// - Returns: those of a kind that was not told before.
    package mutating func fresh(_ slow: [SlowHandler]) -> [SlowHandler] {
        slow.filter { told.insert($0.handler).inserted }
    }
}
