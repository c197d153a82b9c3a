import BitTorrent
import Foundation
import TestSupport
import Testing

/// Two hundred of us and one seed, on lines from 20 to 240 kB/s.
@Suite(.serialized) struct MemberSwarmTests {
    private static let isLong = ProcessInfo.processInfo.environment["SWARMKEEPER_LONG_TESTS"] != nil

    /// What is expected of a run, by what the members do.
    struct Course: Sendable {
        let name: String
        let seed: UInt64
        var seedStays = MemberSwarmSettings.SeedStays.always
        /// The time to the last member's end, beside the least that is possible.
        let most: Double

        var settings: MemberSwarmSettings {
            var settings = MemberSwarmSettings()
            settings.seedStays = seedStays
            return settings
        }
    }

    private func run(_ settings: MemberSwarmSettings, _ course: Course) throws {
        let swarm = try MemberSwarm(settings, seed: course.seed)
        let seconds = try #require(
            swarm.run(limit: .seconds(10 * settings.bound)), "seed \(course.seed): \(swarm.complaints)")
        let gap = swarm.leechers.map(\.longestGap).max()!
        let wasted = swarm.leechers.reduce(0) { $0 + $1.wastedByteCount }
        let ends = swarm.leechers.map { ($0.completedAt! - swarm.start).inSeconds }.sorted()
        print(
            "\(course.name), seed \(course.seed): \(seconds) s, \(seconds / settings.bound) of the least,",
            "median \(ends[ends.count / 2] / settings.bound), longest gap \(gap.inSeconds) s,",
            "wasted \(100 * Double(wasted) / Double(settings.byteCount * settings.memberCount)) %,",
            "\(swarm.queue.plannedCount) events")
        #expect(swarm.complaints == [], "seed \(course.seed)")
        #expect(seconds < course.most * settings.bound, "seed \(course.seed)")
        // Between two rounds of the choker everybody is given something.
        #expect(gap < .seconds(30), "seed \(course.seed)")
        #expect(wasted < settings.byteCount * settings.memberCount / 10, "seed \(course.seed)")
    }

    @Test(arguments: [
        Course(name: "the seed leaves", seed: 1, seedStays: .untilAllIsOut, most: 2.5)
    ]) func swarmOfOurOwnFinishesAndNobodyStarves(course: Course) throws {
        // Twenty seconds' worth: how the pieces spread at first, and who is last, weigh most.
        var settings = course.settings
        settings.pieceCount = 64
        try run(settings, course)
    }

    @Test(
        .enabled(if: isLong, "takes minutes; set SWARMKEEPER_LONG_TESTS"),
        arguments: [
            Course(name: "the seed stays", seed: 2, most: 1.7),
            Course(name: "the seed leaves", seed: 3, seedStays: .untilAllIsOut, most: 1.7),
        ]) func largerTorrentTakesLittleMoreThanTheLeast(course: Course) throws
    {
        var settings = course.settings
        settings.pieceCount = 256
        try run(settings, course)
    }
}
