import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime

/// Owns which files of one torrent each hash-worker holds open for reading. Opens them one at a time, passes them over
/// the lifeline and keeps no descriptor itself; the hash-worker keeps a bounded number.
final class PieceFiles {
    enum File: Hashable { case payload(Int), parts }

    /// Why a piece cannot be brought within reach.
    enum Failure: Error {
        /// One of its files cannot be opened.
        case unreadable(SystemCallError)
        /// The hash-worker does not take the descriptors.
        case refused(SystemCallError)
    }

    /// Descriptors that one hash-worker holds for one torrent; older ones are closed first.
    static let mostPerWorker = 200

    /// Files of one piece that the hash-worker holds open until the piece is read. A piece of more is gathered.
    static let mostPerPiece = 4096

    /// Longest piece that is gathered: hash-workers have few such pieces in hand, but each is in memory (a guess).
    static let longestGathered = 16 << 20

    private struct Held {
        var names: [File: UInt32] = [:]
        /// Least recently passed first.
        var order: [File] = []
    }

    private let files: SelectedFiles
    private let open: (File) throws(SystemCallError) -> OwnedDescriptor
    private var held: [Incarnation: Held] = [:]

    init(_ files: SelectedFiles, open: @escaping (File) throws(SystemCallError) -> OwnedDescriptor) {
        self.files = files
        self.open = open
    }

    /// Brings a piece within reach of a hash-worker, in parts of at most `mostPerWorker` spans.
    /// - Parameter order: runs once a part, in order, as soon as the worker can read the whole piece; `isLast` marks the
    ///   last part. Never runs when the piece cannot be reached.
    func reach(
        _ piece: PieceIndex, by process: WorkerProcess,
        order: @escaping (_ spans: [DataSpan], _ isLast: Bool) -> Void
    ) throws(Failure) {
        let targets = files.targets(of: piece)
        guard targets.count <= Self.mostPerPiece else {
            return try gather(targets, of: piece, for: process) { order([$0], true) }
        }
        var closed: [UInt32] = []
        // Behind the orders that go to the worker before: they name these files.
        defer {
            for names in closed.parts(of: Topology.maximumListCount) {
                process.whenAllArrived { process.outbox.append(SupervisorToHashWorker.closeDescriptors(names)) }
            }
        }
        var parts: [[DataSpan]] = []
        for part in targets.parts(of: Self.mostPerWorker) {
            parts.append(try spans(of: part, for: process, closing: &closed))
        }
        process.whenAllArrived {
            for (index, part) in parts.enumerated() { order(part, index == parts.count - 1) }
        }
    }

    /// The process is gone, and its descriptors with it.
    func workerLost(_ worker: Incarnation) { held[worker] = nil }

    /// Nothing will be read any more: every hash-worker closes what it holds.
    func closeAll(_ tell: (Place, SupervisorToHashWorker) -> Void) {
        for (worker, files) in held {
            for names in Array(files.names.values).parts(of: Topology.maximumListCount) {
                tell(worker.place, .closeDescriptors(names))
            }
        }
        held = [:]
    }

    /// Passes what the worker lacks, and lets go of what makes room for it.
    private func spans(
        of targets: [SelectedFiles.Target], for process: WorkerProcess, closing closed: inout [UInt32]
    ) throws(Failure) -> [DataSpan] {
        var books = held[process.incarnation] ?? Held()
        let needed = targets.compactMap { Self.file(of: $0.place) }
        var opened: [OwnedDescriptor] = []
        var fresh: [File] = []
        for file in needed where books.names[file] == nil && !fresh.contains(file) {
            do throws(SystemCallError) { opened.append(try open(file)) } catch { throw .unreadable(error) }
            fresh.append(file)
        }
        let passed: [UInt32]
        do throws(SystemCallError) { passed = try process.pass(opened.map(\.rawValue)) } catch { throw .refused(error) }
        while books.order.count + fresh.count > Self.mostPerWorker,
            let oldest = books.order.first(where: { !needed.contains($0) })
        {
            books.order.removeAll { $0 == oldest }
            if let name = books.names.removeValue(forKey: oldest) { closed.append(name) }
        }
        for (file, name) in zip(fresh, passed) {
            books.names[file] = name
            books.order.append(file)
        }
        held[process.incarnation] = books
        return targets.map { target in
            let name = Self.file(of: target.place).flatMap { books.names[$0] } ?? 0
            return DataSpan(descriptor: name, offset: target.offset, byteCount: UInt32(target.length))
        }
    }

    /// Reads the piece of a great many files here, and passes its bytes instead of them.
    private func gather(
        _ targets: [SelectedFiles.Target], of piece: PieceIndex, for process: WorkerProcess,
        order: @escaping (DataSpan) -> Void
    ) throws(Failure) {
        let byteCount = targets.reduce(0) { $0 + Int($1.length) }
        guard byteCount <= Self.longestGathered else {
            throw .unreadable(SystemCallError("open", EMFILE, subject: "\(targets.count) files of piece \(piece)"))
        }
        let gathered: OwnedDescriptor
        do throws(SystemCallError) {
            gathered = try RegionMapping.makeSealed(name: "piece \(piece)", try bytes(of: targets))
        } catch { throw .unreadable(error) }
        let name: UInt32
        do throws(SystemCallError) { name = try process.pass([gathered.rawValue])[0] } catch { throw .refused(error) }
        process.whenAllArrived {
            order(DataSpan(descriptor: name, offset: 0, byteCount: UInt32(byteCount)))
            process.outbox.append(SupervisorToHashWorker.closeDescriptors([name]))
        }
    }

    private func bytes(of targets: [SelectedFiles.Target]) throws(SystemCallError) -> [UInt8] {
        var bytes: [UInt8] = []
        for target in targets {
            let start = bytes.count
            bytes += repeatElement(0, count: Int(target.length))
            guard let file = Self.file(of: target.place) else { continue }
            let descriptor = try open(file)
            var filled = 0
            while filled < Int(target.length) {
                let count = bytes.withUnsafeMutableBytes {
                    pread(
                        descriptor.rawValue, $0.baseAddress! + start + filled, Int(target.length) - filled,
                        off_t(target.offset) + off_t(filled))
                }
                if count > 0 { filled += count }
                // ENODATA: the file ends before the piece does.
                if count == 0 || (count < 0 && errno != EINTR) {
                    throw SystemCallError("pread", count == 0 ? ENODATA : errno)
                }
            }
        }
        return bytes
    }

    private static func file(of place: SelectedFiles.Target.Place) -> File? {
        switch place {
        case .file(let index): .payload(index)
        case .parts: .parts
        case .nowhere: nil
        }
    }
}
