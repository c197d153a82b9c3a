import BitTorrent

/// One client of the control socket: its bytes become lines, one answer at a time goes back. A line that is too long is
/// thrown away up to its end and answered by an error.
struct ControlSession: StreamSession {
    enum Request: Equatable {
        case line([UInt8])
        case lineTooLong
    }

    /// Of a line without its newline; the longest command has some eighty.
    static let longestLine = 1024

    private var input: [UInt8] = []
    /// The rest of a line that was too long is still to come.
    private var isSkipping = false
    private var isInputOver = false
    private var isLastAnswered = false
    private var pending: PendingOutput

    init(now: MonotonicInstant) { pending = PendingOutput(now: now) }

    var wantsInput: Bool { !isInputOver && !isLastAnswered && pending.isEmpty && !hasRequest }

    mutating func received(_ bytes: some Collection<UInt8>, now: MonotonicInstant) {
        pending.touched(now: now)
        var rest = bytes[...]
        if isSkipping {
            guard let end = rest.firstIndex(of: Self.newline) else { return }
            isSkipping = false
            rest = rest[rest.index(after: end)...]
        }
        input += rest
    }

    mutating func inputEnded(now: MonotonicInstant) {
        isInputOver = true
        // What is left of a line is a line, as in a file whose last one has no newline.
        if let last = input.last, last != Self.newline { input.append(Self.newline) }
    }

    var hasRequest: Bool {
        pending.isEmpty && !isLastAnswered && (input.count > Self.longestLine || input.contains(Self.newline))
    }

    mutating func nextRequest() -> Request? {
        guard hasRequest else { return nil }
        guard let end = input.firstIndex(of: Self.newline) else {
            input = []
            isSkipping = true
            return .lineTooLong
        }
        let line = Array(input[..<end])
        input.removeSubrange(...end)
        return line.count > Self.longestLine ? .lineTooLong : .line(line)
    }

    mutating func answer(_ bytes: [UInt8], isLast: Bool, now: MonotonicInstant) {
        pending.add(bytes, now: now)
        if isLast { isLastAnswered = true }
    }

    var output: ArraySlice<UInt8> { pending.rest }
    mutating func sent(_ byteCount: Int, now: MonotonicInstant) { pending.sent(byteCount, now: now) }
    var isOver: Bool { pending.isEmpty && (isLastAnswered || isInputOver && !hasRequest) }
    /// Who reads may stay without a word for as long as the run lives.
    var deadline: MonotonicInstant { pending.deadline }
    var lastActivity: MonotonicInstant { pending.lastActivity }

    private static let newline = UInt8(ascii: "\n")
}
