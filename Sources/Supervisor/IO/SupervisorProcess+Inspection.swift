import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime

/// The run as those see it who look in. Everything is known here already, so that a worker that stands still costs nobody
/// a wait.
extension SupervisorProcess {
    func inspection(now: MonotonicInstant) -> Inspection {
        var inspection = Inspection()
        inspection.secondsSinceStart = (now - started).inSeconds
        inspection.processes = [inspectedSelf(now: now)]
        inspection.processes += context.shell.keeper.allPlaces.sorted().map { inspected($0, now: now) }
        // Reads a file for each thread, so that only whole tables have it.
        for (index, process) in inspection.processes.enumerated() {
            guard let pid = process.pid else { continue }
            inspection.processes[index].messageCPUSeconds = ThreadTimes.ran(of: pid, threadsNamed: "ZMQbg").inSeconds
        }
        for torrent in torrents.prefix(Inspection.mostRows) {
            inspection.torrents.append(torrent.inspected(now: now, since: started))
            inspection.peers += torrent.inspectedPeers(connectTimeout: options.connectTimeout, now: now)
            inspection.trackers += torrent.inspectedTrackers(now: now)
            inspection.pieces += torrent.inspectedPieces(now: now)
        }
        inspection.limitRows()
        inspection.stages = stages(inspection, now: now)
        return inspection
    }

    private func stages(_ inspection: Inspection, now: MonotonicInstant) -> Inspection.Stages {
        var stages = desk.stages.stages(now: now)
        for torrent in inspection.torrents {
            stages.receivedByteCount += torrent.report.downloadedByteCount
            stages.sentByteCount += torrent.report.uploadedByteCount
            stages.wastedByteCount += torrent.report.wastedByteCount
            stages.receivedRate += torrent.report.downloadRate
            stages.sentRate += torrent.report.uploadRate
        }
        // A worker's slots serve all of its torrents, so each of them tells the same.
        stages.waitingSocketCount = torrents.map(\.totals.waitingSocketCount).max() ?? 0
        return stages
    }

    private func inspectedSelf(now: MonotonicInstant) -> Inspection.Process {
        let figures = ProcessFigures(pid: getpid())
        var row = Inspection.Process(
            name: .supervisor, role: .supervisor, ordinal: 0, generation: 1, pid: getpid(),
            state: stop == nil ? "running" : "stopping")
        row.cpuSeconds = figures.cpuSeconds
        row.residentByteCount = figures.residentByteCount
        look(at: desk.page, &row, now: now)
        return row
    }

    private func inspected(_ place: Place, now: MonotonicInstant) -> Inspection.Process {
        let keeper = context.shell.keeper
        let state = keeper.state(of: place)
        var row = Inspection.Process(
            name: .process(place), role: place.role, ordinal: place.ordinal, generation: state?.generation ?? 0,
            pid: nil, state: state.map(Self.name) ?? "vacant")
        row.restartCount = state?.restartCount ?? 0
        guard let process = context.shell.processes[place] else { return row }
        row.generation = process.incarnation.generation
        row.pid = process.child.processID
        let figures = ProcessFigures(pid: process.child.processID)
        row.cpuSeconds = figures.cpuSeconds
        row.residentByteCount = figures.residentByteCount
        row.queueCount = process.untakenOrderCount
        row.byteCount = process.status.progress
        row.sandbox = process.sandbox
        row.bytesPerSecond = desk.rate(of: process.incarnation, now: now)
        row.room = room(at: place, heldCount: process.status.heldCount)
        row.syncTimes = process.status.syncTimes
        row.resentBlockCount = process.status.resentBlockCount
        look(at: process.status, &row, now: now)
        return row
    }

    private func look(at page: StatusPageReader, _ row: inout Inspection.Process, now: MonotonicInstant) {
        row.turnCount = page.turn
        row.sentMessageCount = page.sentMessageCount
        row.handler = page.handler
        row.turnTimes = page.turnTimes
        row.slowHandlers = page.slowHandlers
        let began = page.turnStarted
        row.turnAge = began.map { max(.zero, now - $0) }
        if let beat = [began, page.turnEnded].compactMap({ $0 }).max() { row.beatAge = max(.zero, now - beat) }
    }

    private static func name(of state: PlaceState) -> String {
        if state.isBeingKilled != nil { return "dying" }
        return switch state.phase {
        case .vacant: "vacant"
        case .starting: "starting"
        case .waitingToJoin: "waiting-to-join"
        case .joining: "joining"
        case .settling: "settling"
        case .working: "working"
        case .givenUp: "given-up"
        }
    }

    // MARK: Where a process is

    func account(of place: Place, now: MonotonicInstant) -> Account? {
        guard let state = context.shell.keeper.state(of: place) else { return nil }
        let row = inspected(place, now: now)
        var account = Account(place.description)
        account.events = desk.events(at: place)
        account.add("is", "\(place.role.programName) \(place.ordinal), generation \(row.generation)")
        account.add("pid", row.pid.map { "\($0)" })
        account.add("state", row.state)
        let thread = row.pid.flatMap(ThreadView.kernelState)
        let isStopped = thread?.hasPrefix(ThreadView.stopped) ?? false
        account.add("waits for", isStopped ? "SIGCONT" : Self.waitsFor(state, row, now: now))
        guard let process = context.shell.processes[place] else { return account }
        account.trail = WorkerTrail(process.status.trail(of: place), now: MonotonicClock.now).entries
        account.add("loop", Self.loop(row))
        account.add("slow", Self.slow(row))
        if process.status.diskCall != .none {
            account.add(
                "disk", "\(process.status.diskCall.name) for \(Cell.seconds(now - process.status.diskCallStarted))")
        }
        account.add("orders", row.queueCount == 0 ? nil : "\(row.queueCount) not taken yet")
        account.add("thread", thread)
        account.stack = ThreadView.stack(of: process)
        return account
    }

    func ownAccount(now: MonotonicInstant) -> Account {
        var account = Account("s")
        account.add("is", "supervisor")
        account.add("pid", "\(getpid())")
        account.add("state", stop == nil ? "running" : "stopping")
        account.add("waits for", stop.map { "the step of the stop that is under way (\($0.step))" } ?? "events")
        let row = inspectedSelf(now: now)
        account.events = desk.events(at: Place(.supervisor, 0))
        account.add("loop", Self.loop(row))
        account.add("slow", Self.slow(row))
        account.add("uptime", Cell.seconds(now - started))
        return account
    }

    private static func slow(_ row: Inspection.Process) -> String? {
        row.slowHandlers.isEmpty ? nil : row.slowHandlers.map(\.summary).joined(separator: ", ")
    }

    private static func loop(_ row: Inspection.Process) -> String {
        if let age = row.turnAge { return "turn \(row.turnCount), in \(row.handler.name), for \(Cell.seconds(age))" }
        return "waits for events since \(Cell.seconds(row.beatAge)), after turn \(row.turnCount)"
    }

    private static func waitsFor(_ state: PlaceState, _ row: Inspection.Process, now: MonotonicInstant) -> String {
        if state.isBeingKilled != nil { return "its end" }
        switch state.phase {
        case .vacant(let until): return "its next start, in \(Cell.seconds(max(.zero, until - now)))"
        case .starting: return "its hello"
        case .waitingToJoin: return "its turn to join its neighbours"
        case .joining: return "its neighbours' welcome"
        case .settling: return "regions to be mapped\(state.isAdopting ? ", and what its predecessor left" : "")"
        case .working:
            if row.queueCount > 0, row.beatAge ?? .zero > .seconds(1) { return "its loop, which does not turn" }
            return row.turnAge == nil ? "events" : "the end of its turn"
        case .givenUp: return "nothing: it died too often"
        }
    }
}

extension Inspection {
    /// No more rows of a kind than can be shown in passing.
    mutating func limitRows() {
        func limited<Row>(_ rows: inout [Row]) {
            guard rows.count > Self.mostRows else { return }
            leftOutCount += rows.count - Self.mostRows
            rows.removeSubrange(Self.mostRows...)
        }
        limited(&peers)
        limited(&trackers)
        limited(&pieces)
    }
}
