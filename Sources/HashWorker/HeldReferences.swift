import BitTorrent
import PoolProtocol

/// Owns the block references that cannot be answered yet: the piece's adoption, the worker's admission or its region is
/// still on its way from the supervisor, whose orders take another road than the workers' frames.
struct HeldReferences {
    /// Slots of the largest intake region (8 MiB): no sound worker waits for more answers at once.
    static let maximumCount = 512

    private var byWorker: [UInt16: [BlockReference]] = [:]

    /// - Returns: false when the worker has more references under way than slots.
    mutating func hold(_ reference: BlockReference, of worker: UInt16) -> Bool {
        guard byWorker[worker, default: []].count < Self.maximumCount else { return false }
        byWorker[worker, default: []].append(reference)
        return true
    }

    /// Takes those of a worker out, in the order in which they came.
    mutating func take(of worker: UInt16) -> [BlockReference] { byWorker.removeValue(forKey: worker) ?? [] }

    /// The workers that have any, in order.
    var workers: [UInt16] { byWorker.keys.sorted() }
}
