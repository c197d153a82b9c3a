import BitTorrent
import PoolProtocol
import PoolRuntime

/// A peer-worker that lies to hash-workers about the blocks in its region.
final class ReferenceAssault: Assault {
    private let attack: Attack
    private var turnCount = 0

    init(_ attack: Attack) { self.attack = attack }

    /// Assignments are numbered from one, so that those of a young run are easily guessed.
    private static let guesses = AssignmentID(1)...200

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        turnCount += 1
        guard turnCount <= 200 else { return }
        for place in loop.neighbourPlaces {
            if attack == .badrefNonsense {
                loop.inject([UInt8](repeating: 0xEE, count: 40), to: place)
            } else {
                loop.send(PeerWorkerToHashWorker.blocksArrived(Self.guesses.map(reference)), to: place)
            }
        }
    }

    private func reference(_ assignment: AssignmentID) -> BlockReference {
        var reference = BlockReference(
            assignment: assignment, block: 0, byteCount: 16384, slot: 0, lease: .max, peer: 1)
        switch attack {
        case .badrefSlot: reference.slot = .max - UInt32(assignment % 3)
        case .badrefBlock:
            reference.block = assignment % 2 == 0 ? .max : 0
            reference.byteCount = assignment % 2 == 0 ? 16384 : .max
        default: reference.assignment = .max - assignment
        }
        return reference
    }
}

/// A hash-worker that lies to the writer about the frames in its region.
final class FrameAssault: Assault {
    private var turnCount = 0

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        turnCount += 1
        guard turnCount == 3 else { return }
        for (index, frames) in [[UInt32.max], [], [0]].enumerated() {
            let batch = FrameBatch(
                assignment: .max - AssignmentID(index), torrent: 0, piece: PieceIndex(index * 1_000_000),
                byteCount: .max,
                firstFrame: .max, frames: frames)
            for place in loop.neighbourPlaces where place.role == .writer {
                loop.send(HashWorkerToWriter.writePiece(batch), to: place)
            }
        }
    }
}

/// A writer that lets hash-workers go on although nothing was written.
final class AnswerAssault: Assault {
    private var turnCount = 0

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        turnCount += 1
        guard turnCount <= 200 else { return }
        for place in loop.neighbourPlaces {
            loop.send(WriterToHashWorker.writesAnswered([.max, .max - 1, 1_000_000]), to: place)
        }
    }
}
