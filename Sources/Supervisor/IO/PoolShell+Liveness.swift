import BitTorrent
import PoolProtocol
import PoolRuntime

/// What the supervisor sees of its workers without asking them: each heartbeat it looks at their status pages.
extension PoolShell {
    func lookAt(_ process: WorkerProcess, now: MonotonicInstant) {
        // A death breaks the connection, too, and is told by the pidfd before the next look.
        if let since = process.brokenSince, now - since >= settings.heartbeat {
            return condemn(process.incarnation, reason: "its connection is broken")
        }
        let isEdgeBroken = process.isConnected && !process.silence.wasLate(now: now) && process.isEdgeBroken()
        let verdict = process.silence.observed(
            turn: process.status.turn, diskCall: process.status.diskCall,
            diskCallStarted: process.status.diskCallStarted, now: now)
        switch verdict {
        case .alive: process.hasToldSlowDisk = false
        case .silent:
            guard !process.hasToldSilence else { break }
            process.hasToldSilence = true
            condemn(
                process.incarnation,
                reason:
                    "its loop has not turned for \(Silence.missedBeats) heartbeats\(place(WorkerStack.now(of: process)))"
            )
        case .neverSpoke:
            let limit = Int(process.silence.startLimit.inSeconds)
            condemn(process.incarnation, reason: "it has not said hello within \(limit) s")
        case .diskIsSlow(let call, let duration):
            if !process.hasToldSlowDisk {
                process.hasToldSlowDisk = true
                handlers?.changed(.diskIsSlow(process.incarnation, call: call, duration: duration))
            }
        }
        // A loop that stands still reads nothing either: the first reason counts.
        if isEdgeBroken { condemn(process.incarnation, reason: "messages between us got lost") }
        lookForSpinning(process, now: now)
        tellSlowHandlers(of: process)
    }

    private func lookForSpinning(_ process: WorkerProcess, now: MonotonicInstant) {
        // A start may take what it takes; `Debts` bounds it.
        guard process.isConnected, let times = ThreadTimes(pid: process.child.processID) else { return }
        let look = Spinning.Look(useful: process.status.usefulTime, ran: times.ran, waited: times.waited)
        guard let finding = process.spinning.observed(look, now: now) else { return }
        let idle = finding.duration - finding.useful
        let handler = process.status.handler.name
        condemn(
            process.incarnation,
            reason: "it has been busy for \(Int(finding.duration.inSeconds)) s and moved nothing in "
                + "\(Int(idle.inSeconds)) s of them, in its handler \"\(handler)\"\(place(WorkerStack.atWork(of: process)))"
        )
    }

    /// The functions that a worker is in, as the end of a sentence; empty when it does not tell.
    private func place(_ stack: [StackLine]) -> String {
        let place = StackLine.summary(of: stack)
        return place.isEmpty ? "" : ", \(place)"
    }

    /// Also the last words of a process that has ended.
    func tellSlowHandlers(of process: WorkerProcess) {
        for slow in process.slowHandlers.fresh(process.status.slowHandlers) {
            handlers?.changed(.handlerIsSlow(process.incarnation.place, slow))
        }
    }
}
