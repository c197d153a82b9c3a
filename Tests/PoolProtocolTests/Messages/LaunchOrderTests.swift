import PoolProtocol
import TestSupport
import Testing

struct LaunchOrderTests {
    private static func order(core: UInt16?) -> LaunchOrder {
        LaunchOrder(
            who: Incarnation(Place(.peerWorker, 3), generation: 2), runDirectory: "/run/user/1000/swarmkeeper/7",
            regionByteCount: 8 << 20, tcpListenerCount: 2, heartbeatMilliseconds: 1000, pinnedCore: core, logLevel: 2,
            adoptsRegion: true, bindAddress: "::1", connectTimeoutMilliseconds: 5000, maximumPeerCount: 125,
            slowMilliseconds: 100, directoryCount: 1,
            sandbox: SandboxOrder(
                mode: .strict, layers: [.files, .calls],
                identity: SandboxOrder.Identity(user: 65534, group: 100, groups: [])))
    }

    @Test(arguments: [nil, UInt16(0), 63]) func orderSurvivesTheJourney(core: UInt16?) throws {
        let order = Self.order(core: core)
        #expect(try decodeWhole(LaunchOrder.self, EdgeUnderTest.frame(of: order)) == order)
    }

    @Test func theUserToBecomeSurvivesTheJourney() throws {
        for groups in [[], [100], [100, 7, 4_294_967_294]] as [[UInt32]] {
            var order = Self.order(core: 1)
            order.sandbox.identity?.groups = groups
            #expect(try decodeWhole(LaunchOrder.self, EdgeUnderTest.frame(of: order)) == order)
        }
        let nobody = SandboxOrder(mode: .off)
        #expect(try decodeWhole(SandboxOrder.self, EdgeUnderTest.frame(of: nobody)) == nobody)
    }

    @Test func truncatedOrderIsAnError() {
        let frame = EdgeUnderTest.frame(of: Self.order(core: 1))
        for count in 0..<frame.count {
            #expect(throws: PoolCodecError.truncated) {
                try decodeWhole(LaunchOrder.self, Array(frame.prefix(count)))
            }
        }
    }

    @Test func orderOfAnotherLayoutIsRefused() {
        var frame = EdgeUnderTest.frame(of: Self.order(core: 1))
        frame[0] += 1
        #expect(throws: PoolCodecError.invalidField("layoutVersion")) { try decodeWhole(LaunchOrder.self, frame) }
    }

    @Test func namesOfDescriptorsSurviveTheJourney() throws {
        let passed = DescriptorsPassed(identifiers: Array(1...UInt32(DescriptorsPassed.maximumCount)))
        #expect(try decodeWhole(DescriptorsPassed.self, EdgeUnderTest.frame(of: passed)) == passed)
        #expect(DescriptorsPassed.maximumCount <= Topology.maximumListCount)
    }

    @Test func randomDatagramsNeverTrap() {
        var generator = SeededGenerator.printing()
        let sound = EdgeUnderTest.frame(of: Self.order(core: 1))
        for _ in 0..<10_000 {
            var frame = sound
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                frame[Int.random(in: 4..<frame.count, using: &generator)] = .random(in: 0 ... .max, using: &generator)
            }
            frame.withUnsafeBytes { buffer in
                var reader = FrameReader(buffer)
                _ = try? LaunchOrder(from: &reader)
                var again = FrameReader(buffer)
                _ = try? DescriptorsPassed(from: &again)
            }
        }
    }
}
