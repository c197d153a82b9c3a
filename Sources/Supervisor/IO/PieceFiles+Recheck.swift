import BitTorrent
import PoolProtocol
import PoolRuntime
import SystemPackage

/// How far a hash-worker got its share of the pieces that are to be checked.
enum RecheckShare {
    case complete
    /// The rest would make this turn too long.
    case goesOn
    case refused(SystemCallError)
}

extension PieceFiles {
    /// Asks a hash-worker whether pieces of a torrent are right.
    /// - Parameter unreadable: is told of the pieces that cannot be opened.
    func handOut(
        _ recheck: inout Recheck, of metainfo: Metainfo, torrent: UInt16, to process: WorkerProcess,
        unreadable: (PieceIndex, SystemCallError) -> Void
    ) -> RecheckShare {
        handOut(&recheck, to: process, unreadable: unreadable) { piece, spans, isLast in
            .recheck(torrent: torrent, piece: piece, digest: metainfo.hash(of: piece).digest, spans, isLast: isLast)
        }
    }

    /// Asks a hash-worker about as many pieces as it should have in hand.
    /// - Parameters:
    ///   - unreadable: is told of the pieces that cannot be opened.
    ///   - order: what asks about a piece, or a part of it.
    func handOut(
        _ recheck: inout Recheck, to process: WorkerProcess, unreadable: (PieceIndex, SystemCallError) -> Void,
        order: @escaping (PieceIndex, [DataSpan], _ isLast: Bool) -> SupervisorToHashWorker
    ) -> RecheckShare {
        var refusal: SystemCallError?
        let goesOn = recheck.handOut(to: Int(process.incarnation.place.ordinal)) { piece in
            do throws(Failure) {
                try reach(piece, by: process) { process.outbox.append(order(piece, $0, $1)) }
                return .asked
            } catch {
                switch error {
                case .unreadable(let error):
                    unreadable(piece, error)
                    return .unreadable
                case .refused(let error):
                    refusal = error
                    return .refused
                }
            }
        }
        if let refusal { return .refused(refusal) }
        return goesOn ? .goesOn : .complete
    }
}

extension PoolShell {
    /// Sees to it that a hash-worker gets the rest of its share. One that has many descriptors before it is asked again
    /// when it has them; any other that takes none is beyond help.
    func handedOut(_ share: RecheckShare, to process: WorkerProcess, again: @escaping () -> Void) {
        switch share {
        case .complete: break
        case .goesOn: inNextTurn(again)
        case .refused(let error):
            if error.errno == .resourceTemporarilyUnavailable, process.awaitsDescriptors {
                process.whenAllArrived(again)
            } else {
                descriptorsRefused(by: process, error)
            }
        }
    }
}
