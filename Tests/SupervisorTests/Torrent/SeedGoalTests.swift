import Testing

@testable import Supervisor

@Suite struct SeedGoalTests {
    private func isMet(_ goal: SeedGoal, uploaded: UInt64, after: Duration) -> Bool {
        goal.isMet(uploadedByteCount: uploaded, wantedByteCount: 1000, seedingFor: after)
    }

    @Test func withoutAGoalItIsNeverMet() { #expect(!isMet(SeedGoal(), uploaded: .max, after: .seconds(1 << 40))) }

    @Test func theRatioIsOfTheWantedBytes() {
        #expect(!isMet(SeedGoal(ratio: 1.5), uploaded: 1499, after: .zero))
        #expect(isMet(SeedGoal(ratio: 1.5), uploaded: 1500, after: .zero))
    }

    @Test func whicheverComesFirstCounts() {
        let both = SeedGoal(ratio: 2, time: .seconds(60))
        #expect(!isMet(both, uploaded: 1999, after: .seconds(59)))
        #expect(isMet(both, uploaded: 0, after: .seconds(60)))
        #expect(isMet(both, uploaded: 2000, after: .zero))
    }
}
