import BitTorrent
import PoolProtocol

/// Owns what hash-workers and the writer have done over all their generations: a report counts from its process's own
/// start, so the last word of each that is gone is kept in a sum.
struct StageTotals {
    private struct Latest<Report> {
        let generation: UInt32
        var report: Report
    }

    private var hashers: [Place: Latest<HashReport>] = [:]
    private var writers: [Place: Latest<WriteReport>] = [:]
    private var past = Inspection.Stages()
    private var hashedRate: RateEstimator
    private var writtenRate: RateEstimator

    init(now: MonotonicInstant) {
        hashedRate = RateEstimator(now: now)
        writtenRate = RateEstimator(now: now)
    }

    mutating func reported(_ report: HashReport, by worker: Incarnation, now: MonotonicInstant) {
        let before = sum.hashedByteCount
        if let old = hashers[worker.place], old.generation != worker.generation { Self.add(old.report, to: &past) }
        hashers[worker.place] = Latest(generation: worker.generation, report: report)
        hashedRate.add(byteCount: Self.growth(from: before, to: sum.hashedByteCount), now: now)
    }

    mutating func reported(_ report: WriteReport, by worker: Incarnation, now: MonotonicInstant) {
        let before = sum.writtenByteCount
        if let old = writers[worker.place], old.generation != worker.generation { Self.add(old.report, to: &past) }
        writers[worker.place] = Latest(generation: worker.generation, report: report)
        writtenRate.add(byteCount: Self.growth(from: before, to: sum.writtenByteCount), now: now)
    }

    func stages(now: MonotonicInstant) -> Inspection.Stages {
        var stages = sum
        stages.hashedRate = hashedRate.bytesPerSecond(now: now)
        stages.writtenRate = writtenRate.bytesPerSecond(now: now)
        return stages
    }

    private var sum: Inspection.Stages {
        var sum = past
        for latest in hashers.values { Self.add(latest.report, to: &sum) }
        for latest in writers.values { Self.add(latest.report, to: &sum) }
        return sum
    }

    /// What a worker says is believed as far as adding it up does no harm.
    private static func add(_ report: HashReport, to stages: inout Inspection.Stages) {
        stages.hashedByteCount &+= report.hashedByteCount
        stages.laneStepCount &+= report.laneStepCount
        stages.laneCount &+= report.laneCount
        stages.duplicateBlockCount &+= report.duplicateBlockCount
    }

    private static func add(_ report: WriteReport, to stages: inout Inspection.Stages) {
        stages.writtenByteCount &+= report.writtenByteCount
        stages.writeCallCount &+= report.writeCallCount
        stages.syncCount &+= report.syncCount
        stages.syncNanoseconds &+= report.syncNanoseconds
    }

    /// No machine moves a terabyte between two reports.
    private static func growth(from before: UInt64, to after: UInt64) -> Int {
        after > before ? Int(min(after - before, 1 << 40)) : 0
    }
}
