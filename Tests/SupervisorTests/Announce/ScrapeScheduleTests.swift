import BitTorrent
import Testing

@testable import Supervisor

struct ScrapeScheduleTests {
    private let now = MonotonicInstant.distantPast + .seconds(1000)
    private let udp: TrackerURL
    private let http: TrackerURL
    private let silent = AnnounceResponse(interval: .seconds(1800))
    private let told = AnnounceResponse(interval: .seconds(1800), complete: 1, incomplete: 2)

    init() throws {
        udp = try TrackerURL("udp://t:1/announce")
        http = try TrackerURL("http://t:1/announce")
    }

    private func hash(_ number: Int) -> InfoHash { InfoHash(Digest((0..<20).map { UInt8(($0 + number) & 255) })) }

    @Test func torrentsOfOneTrackerAreAskedForTogether() {
        var schedule = ScrapeSchedule()
        #expect(schedule.nextTimer == .distantFuture)
        for number in 0..<100 {
            schedule.announceAnswered(told, of: hash(number), by: udp, now: now + .milliseconds(number))
        }
        #expect(schedule.nextTimer == now + .seconds(1))
        #expect(schedule.timerFired(now: now + .milliseconds(999)) == [])
        let scrapes = schedule.timerFired(now: now + .seconds(1))
        #expect(scrapes.map(\.infoHashes.count) == [71, 29])
        #expect(scrapes.flatMap(\.infoHashes) == (0..<100).map(hash))
        #expect(schedule.nextTimer == .distantFuture)
    }

    @Test func onceInAnInterval() {
        var schedule = ScrapeSchedule()
        schedule.announceAnswered(told, of: hash(1), by: udp, now: now)
        #expect(schedule.timerFired(now: now + .seconds(1)).count == 1)
        schedule.announceAnswered(told, of: hash(1), by: udp, now: now + .seconds(1799))
        #expect(schedule.nextTimer == .distantFuture)
        schedule.announceAnswered(told, of: hash(1), by: udp, now: now + .seconds(1800))
        #expect(schedule.timerFired(now: now + .seconds(1801)).count == 1)
    }

    @Test func httpIsAskedOnlyForWhatTheAnnounceDidNotTell() throws {
        var schedule = ScrapeSchedule()
        schedule.announceAnswered(told, of: hash(1), by: http, now: now)
        #expect(schedule.nextTimer == .distantFuture)
        schedule.announceAnswered(silent, of: hash(1), by: try TrackerURL("http://t:1/a"), now: now)
        #expect(schedule.nextTimer == .distantFuture, "no URL to scrape")
        schedule.announceAnswered(silent, of: hash(1), by: http, now: now)
        #expect(schedule.timerFired(now: now + .seconds(1)) == [.init(tracker: http, infoHashes: [hash(1)])])
    }

    @Test func nothingIsAskedAfterTheEnd() {
        var schedule = ScrapeSchedule()
        schedule.announceAnswered(told, of: hash(1), by: udp, now: now)
        schedule.stop()
        schedule.announceAnswered(told, of: hash(2), by: udp, now: now)
        #expect(schedule.timerFired(now: now + .seconds(9)) == [])
    }
}
