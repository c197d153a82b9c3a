import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import PoolRuntime

/// Answers requests: whose turn it is, where the bytes lie, and whether they can be sent without waiting for a disk.
/// Payload goes from the page cache to the socket and is never seen here.
extension PeerWorkerProcess {
    typealias HeldFile = HeldFiles<OwnedDescriptor>.File

    /// Blocks that one peer gets before the others have their turn.
    private static let blocksPerTurn = 16
    /// Bytes sent in one turn of the loop before it looks at its sockets again: less than a millisecond's work.
    private static let turnByteCount = 1 << 20
    /// Files asked for at a time by one request of small files; more of them come with the next look.
    private static let mostFilesAsked = 64
    /// Beyond this a request is answered wherever its bytes are: each of its files was looked for, and a cache that
    /// forgets faster than it is filled must not hold the peer up for ever.
    private static let mostColdWaits = 64

    // MARK: Who is served

    /// The peer has requests, or what the next answer waited for has come.
    func mayServe(_ connection: Connection) {
        connection.uploadWait = .nothing
        uploads.add(connection.peer)
        turnGoesOn()
    }

    func choke(_ peers: [PeerChoke], now: MonotonicInstant) {
        for peer in peers {
            guard let connection = table[peer.peer], connection.torrent != nil else { continue }
            connection.session.setChoking(peer.isChoked, now: now, into: &connection.actions)
            perform(connection)
        }
    }

    /// - Returns: whether peers wait for their next turn.
    func serveUploads(now: MonotonicInstant) -> Bool {
        var byteCount = 0
        nextUpload = .distantFuture
        while byteCount < Self.turnByteCount, !uploads.isEmpty {
            if let next = uploadLimit.nextAllowed(now: now) {
                nextUpload = next
                return false
            }
            guard let peer = uploads.next(), let connection = table[peer] else { continue }
            byteCount += serve(connection, now: now)
        }
        return !uploads.isEmpty
    }

    /// - Returns: bytes that were handed to the kernel.
    private func serve(_ connection: Connection, now: MonotonicInstant) -> Int {
        guard let torrent = connection.torrent else { return 0 }
        var byteCount = 0
        for _ in 0..<Self.blocksPerTurn {
            guard
                let span = connection.session.nextRequest(in: torrent.view, now: now, into: &connection.actions)
            else { break }
            guard connection.canSendBlock else {
                connection.uploadWait = .kernel
                break
            }
            switch body(of: span, torrent, connection, now: now) {
            case .here(let body):
                connection.session.requestAnswered(now: now)
                connection.coldWaits = 0
                PeerMessageEncoder.appendPieceHeader(span, to: &connection.outgoing)
                connection.send(body)
                count(Int(span.byteCount), connection, torrent, now: now)
                byteCount += Int(span.byteCount)
            case .nowhere: connection.session.refuseNext(now: now, into: &connection.actions)
            case .later(let wait): connection.uploadWait = wait
            }
            guard connection.phase == .running, connection.uploadWait == .nothing,
                uploadLimit.nextAllowed(now: now) == nil
            else { break }
        }
        perform(connection)
        if connection.phase == .running, connection.uploadWait == .nothing, connection.session.requestCount > 0 {
            uploads.add(connection.peer)
        }
        return byteCount
    }

    private func count(_ byteCount: Int, _ connection: Connection, _ torrent: PeerTorrent, now: MonotonicInstant) {
        connection.uploadedByteCount += UInt64(byteCount)
        connection.uploadRate.add(byteCount: byteCount, now: now)
        torrent.totals.uploadedByteCount += UInt64(byteCount)
        parcel.movedByteCount += byteCount
        uploadLimit.spend(byteCount)
    }

    // MARK: Where the bytes are

    private enum Body {
        case here(UploadBody)
        case later(UploadWait)
        /// They cannot be read.
        case nowhere
    }

    private func body(
        of span: BlockSpan, _ torrent: PeerTorrent, _ connection: Connection, now: MonotonicInstant
    ) -> Body {
        let start = torrent.view.geometry.offset(of: PieceIndex(span.index)) + UInt64(span.begin)
        let end = start + UInt64(span.byteCount)
        var missing: [UInt32] = []
        var first: FilePart?
        var others: [FilePart] = []
        var position = start
        while position < end {
            guard let place = try? torrent.files.span(at: position, before: end) else { return .nowhere }
            position += place.byteCount
            var descriptor: OwnedDescriptor?
            if let number = place.file {
                let file = HeldFile(torrent: torrent.ordinal, number: UInt32(number))
                switch heldFiles.use(file, now: now) {
                case .open(let held): descriptor = held
                case .unavailable: return .nowhere
                case .awaited: awaitFile(file, connection)
                case .unknown:
                    missing.append(file.number)
                    heldFiles.asked(for: file, now: now)
                    awaitFile(file, connection)
                }
                guard let descriptor else {
                    if missing.count == Self.mostFilesAsked { break }
                    continue
                }
                if connection.waitsForFiles == 0,
                    let wait = warm(place, descriptor, torrent, connection, now: now)
                {
                    return wait
                }
            }
            let part = FilePart(file: descriptor, offset: place.offset, byteCount: Int(place.byteCount))
            if first == nil { first = part } else { others.append(part) }
        }
        if !missing.isEmpty {
            parcel.news.append(.wantFiles(torrent: torrent.ordinal, missing))
            isUrgent = true
        }
        guard connection.waitsForFiles == 0, let first else { return .later(.file) }
        return .here(UploadBody(first: first, others: others))
    }

    // MARK: Files

    private func awaitFile(_ file: HeldFile, _ connection: Connection) {
        connection.waitsForFiles += 1
        fileWaiters[file, default: []].append(connection.peer)
    }

    /// - Parameter take: the descriptor that came over the lifeline under a name.
    func opened(_ files: [OpenedFile], of torrent: UInt16, take: (UInt32) -> OwnedDescriptor?) {
        let now = clock()
        for opened in files {
            let file = HeldFile(torrent: torrent, number: opened.file)
            heldFiles.answered(file, opened.descriptor == 0 ? nil : take(opened.descriptor), now: now)
            for peer in fileWaiters.removeValue(forKey: file) ?? [] {
                guard let connection = table[peer] else { continue }
                connection.waitsForFiles = max(0, connection.waitsForFiles - 1)
                if connection.waitsForFiles == 0, connection.uploadWait == .file { mayServe(connection) }
            }
        }
    }

    // MARK: Disk

    /// - Returns: what to wait for when the bytes are not in the page cache; nil when they are.
    private func warm(
        _ place: FileMap.Span, _ descriptor: OwnedDescriptor, _ torrent: PeerTorrent, _ connection: Connection,
        now: MonotonicInstant
    ) -> Body? {
        guard let number = place.file, connection.coldWaits < Self.mostColdWaits else { return nil }
        let bytes = place.offset..<place.offset + place.byteCount
        if connection.warmRange?.covers(torrent: torrent.ordinal, file: number, bytes, now: now) == true { return nil }
        let range = WarmRange.around(bytes, fileByteCount: torrent.files.byteCount(of: number))
        connection.warmRange = WarmRange(torrent: torrent.ordinal, file: number, range: range, now: now)
        let isCached = clinux_is_cached(descriptor.rawValue, Int64(range.lowerBound), range.count)
        // What cannot be found out is found out by sending it.
        if isCached != 0 { return nil }
        do throws(SystemCallError) {
            try coldReader.submit(
                ColdReader.Job(peer: connection.peer, file: .init(owned: descriptor), range: range))
        } catch { return nil }
        connection.coldWaits += 1
        return .later(.disk)
    }

    /// Bytes have been read into the page cache, or cannot be.
    func coldBytesRead() {
        let now = clock()
        for answer in coldReader.takeAnswers() {
            guard let connection = table[answer.peer], connection.uploadWait == .disk else { continue }
            if answer.error != 0 {
                chronicle.complain(
                    .uploadFailed, tags(of: connection), number: UInt32(bitPattern: answer.error),
                    detail: "\(connection.address): \(SystemCallError("pread", answer.error))")
                connection.warmRange = nil
                connection.session.refuseNext(now: now, into: &connection.actions)
                perform(connection)
            }
            mayServe(connection)
        }
    }
}
