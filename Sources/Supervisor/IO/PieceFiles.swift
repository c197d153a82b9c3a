import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime

/// Owns which files of one torrent each hash-worker holds open for reading. Opens them one at a time, passes them over
/// the lifeline and keeps no descriptor itself; the hash-worker keeps a bounded number.
final class PieceFiles {
    enum File: Hashable { case payload(Int), parts }

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
    /// - Parameter order: runs once a part, in order, as soon as the worker can read it; `isLast` marks the last part.
    func reach(
        _ piece: PieceIndex, by process: WorkerProcess,
        order: @escaping (_ spans: [DataSpan], _ isLast: Bool) -> Void
    ) throws(SystemCallError) {
        let targets = files.targets(of: piece)
        guard targets.count <= Self.mostPerPiece else {
            throw SystemCallError("open", EMFILE, subject: "\(targets.count) files of piece \(piece)")
        }
        let parts = targets.parts(of: Self.mostPerWorker)
        for (index, part) in parts.enumerated() {
            try reach(part, by: process) { order($0, index == parts.count - 1) }
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

    private func reach(
        _ targets: [SelectedFiles.Target], by process: WorkerProcess, order: @escaping ([DataSpan]) -> Void
    ) throws(SystemCallError) {
        var books = held[process.incarnation] ?? Held()
        let needed = targets.compactMap { Self.file(of: $0.place) }
        var opened: [OwnedDescriptor] = []
        var fresh: [File] = []
        for file in needed where books.names[file] == nil && !fresh.contains(file) {
            opened.append(try open(file))
            fresh.append(file)
        }
        var closed: [UInt32] = []
        while books.order.count + fresh.count > Self.mostPerWorker,
            let oldest = books.order.first(where: { !needed.contains($0) })
        {
            books.order.removeAll { $0 == oldest }
            if let name = books.names.removeValue(forKey: oldest) { closed.append(name) }
        }
        if !closed.isEmpty { process.outbox.append(SupervisorToHashWorker.closeDescriptors(closed)) }
        for (file, name) in zip(fresh, try process.pass(opened.map(\.rawValue))) {
            books.names[file] = name
            books.order.append(file)
        }
        held[process.incarnation] = books
        let spans = targets.map { target in
            let name = Self.file(of: target.place).flatMap { books.names[$0] } ?? 0
            return DataSpan(descriptor: name, offset: target.offset, byteCount: UInt32(target.length))
        }
        process.whenAllArrived { order(spans) }
    }

    private static func file(of place: SelectedFiles.Target.Place) -> File? {
        switch place {
        case .file(let index): .payload(index)
        case .parts: .parts
        case .nowhere: nil
        }
    }
}
