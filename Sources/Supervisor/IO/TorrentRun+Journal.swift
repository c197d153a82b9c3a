import BitTorrent
import PoolProtocol
import PoolRuntime

/// What becomes of peers, as the journal of the torrent keeps it: changes of state alone.
extension TorrentRun {
    func noteInJournal(_ actions: [PeerBook.Action]) {
        let now = MonotonicClock.now
        for action in actions {
            switch action {
            case .connect(let worker, let peer):
                journal.connecting(PeerBook.Key(worker: worker, peer: peer.peer), peer.address, now: now)
            case .close(let worker, let peer, _):
                journal.note(PeerBook.Key(worker: worker, peer: peer), "we close it", now: now)
            case .report(let address, let worker, _, .named(let client)):
                journal.note(address, at: worker, "calls itself \(TerminalText.escaped(client))", now: now)
            case .report(let address, let worker, _, .banned(let reason)):
                journal.note(address, at: worker, "banned: \(reason)", now: now)
            case .report(let address, let worker, _, .pardoned):
                journal.note(address, at: worker, "pardoned: its worker was to blame", now: now)
            case .report, .tellMembers: break
            }
        }
    }

    func noteInJournal(_ interests: [PeerInterest], at worker: Int, now: MonotonicInstant) {
        for peer in interests {
            journal.note(
                PeerBook.Key(worker: worker, peer: peer.peer),
                peer.isInterested ? "wants something of us" : "wants nothing of us any more", now: now)
        }
    }

    func noteInJournal(_ changes: [Choker<PeerBook.Key>.Change]) {
        guard !changes.isEmpty else { return }
        let now = MonotonicClock.now
        for change in changes {
            journal.note(change.peer, change.isChoked ? "we choke it" : "we let it request", now: now)
        }
    }

    /// What has changed since the last reports.
    func noteInJournal(_ reports: [PeerReport], at worker: Int) {
        let now = MonotonicClock.now
        for report in reports {
            let key = PeerBook.Key(worker: worker, peer: report.peer)
            guard let connection = book.connections[key] else { continue }
            let old = connection.latest
            if report.isChokingUs != old?.isChokingUs ?? true {
                journal.note(key, report.isChokingUs ? "chokes us" : "lets us request", now: now)
            }
            if report.isSnubbed != old?.isSnubbed ?? false {
                journal.note(key, report.isSnubbed ? "sends nothing of what it owes" : "sends again", now: now)
            }
            if report.isSeed, !(old?.isSeed ?? false) { journal.note(key, "has everything", now: now) }
        }
    }
}
