import BitTorrent
import PoolProtocol
import Testing

struct RestartPolicyTests {
    @Test func fiveDeathsInARowGiveThePlaceUp() {
        var policy = RestartPolicy()
        for delay in [100, 200, 400, 800] {
            let decision = policy.died(.ownDoing, wasReady: true, didWork: false)
            #expect(decision == .restart(after: .milliseconds(delay)))
        }
        #expect(policy.died(.ownDoing, wasReady: true, didWork: false) == .giveUp)
    }

    @Test(arguments: [RestartPolicy.Ending.ownDoing, .killedFromOutside])
    func deathBeforeReadyCountsWhateverItsCause(_ ending: RestartPolicy.Ending) {
        var policy = RestartPolicy()
        for _ in 1..<RestartPolicy.limit {
            #expect(policy.died(ending, wasReady: false, didWork: false) != .giveUp)
        }
        #expect(policy.died(ending, wasReady: false, didWork: false) == .giveUp)
    }

    @Test func killsFromOutsideNeverGiveUp() {
        var policy = RestartPolicy()
        for _ in 0..<100 {
            #expect(policy.died(.killedFromOutside, wasReady: true, didWork: false) == .restart(after: .zero))
        }
    }

    @Test func orderlyReplacementNeverCounts() {
        var policy = RestartPolicy()
        for wasReady in [true, false] {
            for _ in 0..<20 {
                #expect(policy.died(.orderly, wasReady: wasReady, didWork: false) == .restart(after: .zero))
            }
        }
    }

    @Test func workForgivesWhatWasBefore() {
        var policy = RestartPolicy()
        for _ in 0..<20 {
            for _ in 1..<RestartPolicy.limit {
                #expect(policy.died(.ownDoing, wasReady: true, didWork: false) != .giveUp)
            }
            // A crash after work is no sign of a process that cannot work.
            #expect(policy.died(.ownDoing, wasReady: true, didWork: true) == .restart(after: .zero))
        }
    }

    @Test func killsFromOutsideDoNotForgive() {
        var policy = RestartPolicy()
        for _ in 1..<RestartPolicy.limit {
            _ = policy.died(.ownDoing, wasReady: true, didWork: false)
            _ = policy.died(.killedFromOutside, wasReady: true, didWork: false)
        }
        #expect(policy.died(.ownDoing, wasReady: true, didWork: false) == .giveUp)
    }
}
