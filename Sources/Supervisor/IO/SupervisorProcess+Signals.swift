import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import PoolRuntime

/// What the user's signals do (docs/architecture.md, "Signals").
extension SupervisorProcess {
    func takeSignals() {
        while true {
            let signal = clinux_next_signal(signals.rawValue)
            guard signal > 0 else { return }
            switch signal {
            case SIGINT, SIGTERM: interrupted(now: MonotonicClock.now)
            case SIGWINCH: output.terminalResized()
            case SIGUSR1: output.logStatus(InspectionText(inspection: inspection(now: MonotonicClock.now)).ps)
            case SIGHUP: restartAll()
            case SIGCHLD: reapOrphans()
            default: break
            }
        }
    }

    /// As process 1 of a container we inherit what others leave behind; our own children are reaped by their pidfds.
    func reapOrphans() {
        guard getpid() == 1 else { return }
        let ours = Set(context.shell.processes.values.map(\.child.processID))
            .union(context.commands?.processIDs ?? [])
        var information = siginfo_t()
        while waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) == 0 {
            let pid = information._sifields._sigchld.si_pid
            guard pid > 0, !ours.contains(pid) else { return }
            waitpid(pid, nil, WNOHANG)
            information = siginfo_t()
        }
    }

    /// HUP: every worker is replaced, one after another, so that the download goes on all the while.
    func restartAll() {
        guard stop == nil else { return }
        toRestart = context.shell.keeper.allPlaces.reversed()
        if restarting == nil { restartNext() }
    }

    func restartNext() {
        restarting = toRestart.popLast()
        if let place = restarting { context.shell.restart(place, reason: "asked for by SIGHUP") }
    }

    func interrupted(now: MonotonicInstant) {
        if stop != nil {
            // The second one: at once. Everything that was synced is safe by design.
            context.shell.killAll()
            poll.stop()
        } else {
            if isComplete, !torrents.contains(where: { $0.phase == .cancelled }) {
                return end(.complete, reason: "complete; seeding was interrupted", now: now)
            }
            end(.interrupted, reason: "interrupted; start again to go on", now: now)
        }
    }
}
