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

    /// Files of one piece; the hash-worker holds them all open until the piece is read.
    static let mostPerPiece = 4096

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
            throw .unreadable(SystemCallError("open", EMFILE, subject: "\(targets.count) files of piece \(piece)"))
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

    private static func file(of place: SelectedFiles.Target.Place) -> File? {
        switch place {
        case .file(let index): .payload(index)
        case .parts: .parts
        case .nowhere: nil
        }
    }
}
