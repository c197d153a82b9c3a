/// Owns which worker gets the next peer: the one with the fewest connections that has room. Knows no address.
package struct PeerPlacement {
    private struct Worker {
        var capacity: Int
        var isTaking = true
    }
    /// By ordinal.
    private var workers: [Int: Worker] = [:]

    package init() {}

    /// A worker is ready.
    /// - Parameter capacity: connections that it may have, incoming ones included.
    package mutating func workerReady(_ worker: Int, capacity: Int) { workers[worker] = Worker(capacity: capacity) }
    /// A worker died, or was given up.
    package mutating func workerGone(_ worker: Int) { workers[worker] = nil }
    /// A worker drains: what it has stays, nothing new comes.
    package mutating func workerDrains(_ worker: Int) { workers[worker]?.isTaking = false }

    /// The worker for the next peer; nil when no ready one has room. Equals: the lowest ordinal.
    package func next(connectionCount: (Int) -> Int) -> Int? {
        workers.filter { $0.value.isTaking && connectionCount($0.key) < $0.value.capacity }
            .map { (count: connectionCount($0.key), worker: $0.key) }
            .min { $0 < $1 }?.worker
    }

    /// Connections that could be added over all ready workers.
    package func room(connectionCount: (Int) -> Int) -> Int {
        workers.reduce(0) { $1.value.isTaking ? $0 + max(0, $1.value.capacity - connectionCount($1.key)) : $0 }
    }
}
