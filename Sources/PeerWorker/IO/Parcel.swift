import PoolProtocol

/// What a peer-worker has to tell its pool: gathered over turns and sent whole, since a message that goes alone costs
/// twenty times its share of a full stream.
struct Parcel {
    var news: [PeerWorkerToSupervisor] = []
    var batches: [ReferenceBatches.Batch] = []
    /// Payload that came in.
    var movedByteCount = 0
    /// Nothing follows: the process ends when this is sent.
    var isLast = false

    /// Whether it holds more than a count of bytes, which can wait for the next tick.
    var isWorthSending: Bool { !news.isEmpty || !batches.isEmpty || isLast }

    mutating func removeAll() {
        news.removeAll(keepingCapacity: true)
        batches.removeAll(keepingCapacity: true)
        movedByteCount = 0
    }
}
