import BitTorrent

/// What `where` tells of one thing: what it waits for, where a process's thread is, and its last events.
struct Account {
    let id: String
    /// In words of one's own, such as `state` and what it is.
    var facts: [(name: String, text: String)] = []
    /// The loop's thread of a process, innermost frame first; empty where nobody can tell.
    var stack: [String] = []
    var events: [EventRing.Entry] = []
    /// What a process remembers of itself.
    var trail: [EventRing.Entry] = []

    init(_ id: String) { self.id = id }

    mutating func add(_ name: String, _ text: String?) { if let text { facts.append((name, text)) } }

    func lines(now: MonotonicInstant) -> [String] {
        var lines = [id]
        let width = facts.map(\.name.count).max() ?? 0
        for fact in facts {
            lines.append("  \(fact.name)\(String(repeating: " ", count: width - fact.name.count))  \(fact.text)")
        }
        if !stack.isEmpty { lines += ["stack"] + stack.map { "  \($0)" } }
        return lines + Self.section("events", events, now: now) + Self.section("its own", trail, now: now)
    }

    private static func section(_ title: String, _ events: [EventRing.Entry], now: MonotonicInstant) -> [String] {
        guard !events.isEmpty else { return [] }
        let ages = events.map { "\(Cell.seconds(now - $0.time)) ago" }
        let longest = ages.map(\.count).max() ?? 0
        return [title]
            + zip(ages, events).map { age, event in
                "  \(String(repeating: " ", count: longest - age.count))\(age)  \(event.text)"
            }
    }

    func json(now: MonotonicInstant) -> JSONValue {
        func list(_ events: [EventRing.Entry]) -> JSONValue {
            .array(
                events.map { event in
                    .object([
                        .init("age", .number((now - event.time).inSeconds)), .init("text", .string(event.text)),
                    ])
                })
        }
        return .object([
            .init("v", .integer(ControlAnswer.version)), .init("id", .string(id)),
            .init("facts", .object(facts.map { .init($0.name, .string($0.text)) })),
            .init("stack", .array(stack.map { .string($0) })), .init("events", list(events)),
            .init("own_events", list(trail)),
        ])
    }

    func answer(now: MonotonicInstant) -> ControlAnswer {
        ControlAnswer(lines: lines(now: now), json: json(now: now))
    }
}
