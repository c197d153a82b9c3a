import BitTorrent
import TestSupport

/// Simulated time. What is planned happens in the order of its moments, and of its planning where they are equal.
final class EventQueue {
    private struct Entry {
        let moment: MonotonicInstant
        let number: Int
        let body: () -> Void

        func isBefore(_ other: Entry) -> Bool { (moment, number) < (other.moment, other.number) }
    }

    private(set) var now = FakeClock().now
    /// A binary heap.
    private var entries: [Entry] = []
    private(set) var plannedCount = 0

    func plan(at moment: MonotonicInstant, _ body: @escaping () -> Void) {
        plannedCount += 1
        entries.append(Entry(moment: max(moment, now), number: plannedCount, body: body))
        var child = entries.count - 1
        while child > 0, entries[child].isBefore(entries[(child - 1) / 2]) {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    func plan(after duration: Duration, _ body: @escaping () -> Void) { plan(at: now + duration, body) }

    /// Lets the next thing happen.
    func step() {
        guard let next = entries.first else { return }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        now = next.moment
        next.body()
    }

    private func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].isBefore(entries[least]) { least = child }
            }
            if least == parent { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
