import BitTorrent
import Testing

@testable import Supervisor

/// A day of announces on a fake clock, with trackers that fail, stall and change their intervals. Every rule that a
/// tracker can check is checked by it.
struct AnnounceDayTests {
    /// Answers announces and keeps book of what it was told.
    private struct Tracker {
        var heard: [AnnounceEvent?] = []
        var knowsUs = false
        var askAgainAt = MonotonicInstant.distantPast

        /// - Returns: false if the announce breaks a rule.
        mutating func accepts(_ request: AnnounceRequest, now: MonotonicInstant) -> Bool {
            heard.append(request.event)
            switch request.event {
            case .started: return !knowsUs
            case .stopped, .completed: return knowsUs
            case nil: return knowsUs && now >= askAgainAt
            }
        }
    }

    @Test(arguments: 0..<32)
    func aDayOfAnnouncesObeysEveryTracker(run: Int) throws {
        let seed = run == 0 ? 42 : UInt64.random(in: 0 ... .max)
        var generator = AnnounceGenerator(state: seed)
        var talk = AnnounceConversation([["a", "b"], ["c"], ["d"]])
        var trackers: [TrackerURL: Tracker] = [:]
        /// Answers on their way: when they arrive, and which.
        var pending: [(at: Double, id: UInt64, tracker: TrackerURL, response: AnnounceResponse?)] = []
        let day: Double = 86_400
        let completesAt = Double.random(in: 0...day, using: &generator)
        var isComplete = false
        var announceCount = 0
        /// Trackers that an announce came back from, well or not: the last tier may have no reason to be asked.
        var settled: Set<TrackerURL> = []
        var actions = talk.start()

        while talk.seconds < day {
            for action in actions {
                switch action {
                case .announce(let id, let url, let request):
                    announceCount += 1
                    var tracker = trackers[url] ?? Tracker()
                    let delay =
                        Double.random(in: 0.01...29, using: &generator) * (Bool.random(using: &generator) ? 1 : 0.05)
                    // A request that fails never reached the tracker, so nothing is heard twice.
                    if Int.random(in: 0..<4, using: &generator) == 0 {
                        pending.append((talk.seconds + delay, id.number, url, nil))
                        continue
                    }
                    let isAccepted = tracker.accepts(request, now: talk.now)
                    #expect(isAccepted, "\(request.event as Any), seed \(seed)")
                    #expect(request.counters == talk.counters, "seed \(seed)")
                    tracker.knowsUs = true
                    let interval = Int.random(in: 60...3600, using: &generator)
                    let minimum = Int.random(in: 30...interval, using: &generator)
                    tracker.askAgainAt = talk.now + .seconds(minimum)
                    trackers[url] = tracker
                    let response = AnnounceResponse(interval: .seconds(interval), minInterval: .seconds(minimum))
                    pending.append((talk.seconds + delay, id.number, url, response))
                case .cancelAnnounce, .stoppedDone: Issue.record("\(action) while running, seed \(seed)")
                case .peersFound, .report: break
                }
            }
            #expect(pending.count <= 4, "one announce per tracker, seed \(seed)")
            let timer = talk.timer.map { talk.seconds + $0 } ?? .infinity
            let answer = pending.indices.min { pending[$0].at < pending[$1].at }
            let next = min(timer, answer.map { pending[$0].at } ?? .infinity)
            try #require(next < .infinity, "nothing will ever happen, seed \(seed)")
            talk.counters.uploaded += 1
            if !isComplete, next > completesAt {
                isComplete = true
                talk.seconds = max(talk.seconds, completesAt)
                actions = talk.complete()
            } else if let answer, pending[answer].at <= timer {
                let (at, id, url, response) = pending.remove(at: answer)
                settled.insert(url)
                talk.seconds = max(talk.seconds, at)
                actions = response.map { talk.answer(id, $0) } ?? talk.fail(id)
            } else {
                talk.seconds = max(talk.seconds, timer)
                actions = talk.wait(0)
                if Int.random(in: 0..<3, using: &generator) == 0 { actions += talk.wantMore() }
            }
        }
        #expect((24...4000).contains(announceCount), "\(announceCount) announces, seed \(seed)")
        #expect(
            talk.schedule.everyTrackerAnsweredOrFailed(since: .distantPast) == (settled.count == 4), "seed \(seed)")
        for (url, tracker) in trackers {
            #expect(tracker.heard.count { $0 == .started } == 1, "\(url), seed \(seed)")
            #expect(tracker.heard.count { $0 == .completed } <= 1, "\(url), seed \(seed)")
            #expect(tracker.heard.first == .started, "\(url), seed \(seed)")
        }
    }

    @Test func aQuietDayIsOneAnnounceAnInterval() throws {
        var talk = AnnounceConversation([["a"]])
        var actions = talk.start()
        var count = 0
        while talk.seconds < 86_400 {
            guard case .announce(let id, _, _)? = actions.first else { Issue.record("\(actions)"); return }
            count += 1
            talk.seconds += 0.5
            _ = talk.answer(id.number, AnnounceResponse(interval: .seconds(600)))
            actions = try talk.waitForTimer()
        }
        #expect(count == 144)
    }
}
