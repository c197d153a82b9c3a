import BitTorrent
import PoolProtocol

/// An inspection as `ps` and `stats` print it. The names and the order of the columns are a contract (docs/operations.md):
/// new ones come last, before text that may hold blanks.
struct InspectionText {
    let inspection: Inspection

    private var torrentCount: Int { inspection.torrents.count }
    private func text(_ name: ThingName?) -> String { name?.text(torrentCount: torrentCount) ?? "-" }

    /// Everything that is alive, kind by kind.
    var ps: [String] {
        var sections = [processes]
        if !inspection.torrents.isEmpty { sections.append(torrents) }
        if !inspection.peers.isEmpty { sections.append(peers) }
        if !inspection.trackers.isEmpty { sections.append(trackers) }
        if !inspection.pieces.isEmpty { sections.append(pieces) }
        var lines = Array(sections.joined(separator: [""]))
        if inspection.leftOutCount > 0 { lines += ["", "\(inspection.leftOutCount) more are left out"] }
        return lines
    }

    var processes: [String] {
        var table = TextTable([
            ("ID", .left), ("ROLE", .left), ("GEN", .right), ("PID", .right), ("STATE", .left), ("TURNS", .right),
            ("CPU", .right), ("RSS", .right), ("QUEUE", .right), ("RATE", .right), ("RESTARTS", .right),
            ("BEAT", .right), ("LOOP", .left), ("HELD", .right), ("ROOM", .right), ("SLOW", .right),
            ("SANDBOX", .left),
        ])
        for process in inspection.processes {
            table.add([
                text(process.name), process.role.name, "\(process.generation)", Cell.count(process.pid), process.state,
                "\(process.turnCount)", Cell.decimal(process.cpuSeconds) + "s", Cell.bytes(process.residentByteCount),
                "\(process.queueCount)", Cell.rate(process.bytesPerSecond), "\(process.restartCount)",
                Cell.seconds(process.beatAge), process.handler.name, Cell.count(process.room?.heldCount),
                Cell.count(process.room?.totalCount), "\(process.slowCount)", process.sandbox?.name ?? "-",
            ])
        }
        return table.lines
    }

    private var torrents: [String] {
        var table = TextTable([
            ("ID", .left), ("STATE", .left), ("AGE", .right), ("DONE", .right), ("PIECES", .right), ("DOWN", .right),
            ("UP", .right), ("PEERS", .right), ("ETA", .right), ("HASH", .left), ("NAME", .left),
        ])
        for torrent in inspection.torrents {
            let report = torrent.report
            table.add([
                "t\(torrent.ordinal)", torrent.state, Cell.seconds(torrent.age),
                Amounts.percent(report.completedByteCount, of: report.totalByteCount),
                "\(report.completedPieceCount)/\(report.pieceCount)", Cell.rate(report.downloadRate),
                Cell.rate(report.uploadRate), "\(report.peerCount)",
                report.secondsLeft.map { Amounts.duration(seconds: $0) } ?? "-", report.infoHash.description,
                report.name,
            ])
        }
        return table.lines
    }

    private var peers: [String] {
        var table = TextTable([
            ("ID", .left), ("WORKER", .left), ("STATE", .left), ("AGE", .right), ("DEADLINE", .right),
            ("DOWN", .right), ("UP", .right), ("GOT", .right), ("GAVE", .right), ("REQUESTS", .right), ("FLAGS", .left),
            ("ADDRESS", .left), ("CLIENT", .left),
        ])
        for peer in inspection.peers {
            table.add([
                text(peer.name), text(peer.worker), peer.state, Cell.seconds(peer.age), Cell.seconds(peer.deadline),
                Cell.rate(peer.downloadRate), Cell.rate(peer.uploadRate), Cell.bytes(peer.downloadedByteCount),
                Cell.bytes(peer.uploadedByteCount), "\(peer.requestCount)", Self.flags(peer), peer.address,
                peer.client,
            ])
        }
        return table.lines
    }

    /// `i` it came to us, `s` it has everything, `w` it wants something of us, `u` we let it request.
    static func flags(_ peer: Inspection.Peer) -> String {
        (peer.isIncoming ? "i" : "") + (peer.isSeed ? "s" : "") + (peer.isInterested ? "w" : "")
            + (peer.isUnchoked ? "u" : "")
    }

    private var trackers: [String] {
        var table = TextTable([
            ("ID", .left), ("STATE", .left), ("AGE", .right), ("DEADLINE", .right), ("FAILURES", .right),
            ("URL", .left), ("LAST", .left),
        ])
        for tracker in inspection.trackers {
            table.add([
                text(tracker.name), tracker.state, Cell.seconds(tracker.age), Cell.seconds(tracker.deadline),
                "\(tracker.failureCount)", tracker.url, tracker.lastWord,
            ])
        }
        return table.lines
    }

    private var pieces: [String] {
        var table = TextTable([
            ("ID", .left), ("STATE", .left), ("AT", .left), ("AGE", .right), ("BLOCKS", .right), ("UNGRANTED", .right),
            ("ASSIGNMENT", .right), ("WORKERS", .left), ("DEADLINE", .right), ("RATE", .right), ("HERE", .right),
        ])
        for piece in inspection.pieces {
            table.add([
                text(piece.name), piece.state, text(piece.assembler), Cell.seconds(piece.age),
                "\(piece.blockCount)", "\(piece.ungrantedCount)", "\(piece.assignment)",
                piece.holders.map(text).joined(separator: ","),
                Cell.seconds(piece.deadline), Cell.rate(piece.rate), "\(piece.hereCount)",
            ])
        }
        return table.lines
    }

    // MARK: Stats

    /// Stage by stage, then loop by loop.
    var stats: [String] { Array([stages, loops].joined(separator: [""])) }

    private var stages: [String] {
        var table = TextTable([("STAGE", .left), ("BYTES", .right), ("RATE", .right), ("FIGURES", .left)])
        for stage in StageFigures(inspection).all {
            table.add([
                stage.name, stage.byteCount.map(Cell.bytes) ?? "-", stage.rate.map(Cell.rate) ?? "-",
                stage.figures.map { "\($0.name)=\($0.text)" }.joined(separator: " "),
            ])
        }
        return table.lines
    }

    private var loops: [String] {
        var table = TextTable([
            ("ID", .left), ("TURNS", .right), ("P50", .right), ("P99", .right), ("MAX", .right), ("LOOP", .left),
            ("FOR", .right), ("SLOW", .right), ("SENT", .right),
        ])
        for process in inspection.processes where process.pid != nil {
            let times = process.turnTimes
            table.add([
                text(process.name), "\(process.turnCount)", Cell.time(times.percentile(500)),
                Cell.time(times.percentile(990)), Cell.time(times.longest), process.handler.name,
                Cell.seconds(process.turnAge), "\(process.slowCount)", "\(process.sentMessageCount)",
            ])
        }
        return table.lines
    }
}
