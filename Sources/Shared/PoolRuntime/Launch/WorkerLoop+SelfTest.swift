package import PoolProtocol

/// What only `Sources/Shared/SelfTest` may do: send what no message of the vocabulary says.
extension WorkerLoop {
    /// Queues bytes for the supervisor as they are.
    package func inject(_ frame: [UInt8]) { controlOutbox.append(frame: frame) }

    /// Queues bytes for a neighbour as they are.
    package func inject(_ frame: [UInt8], to place: Place) {
        guard let receiver = neighbours.current(place) else { return }
        dataOutboxes[receiver, default: Outbox()].append(frame: frame)
    }

    /// Frames for the supervisor that could not be sent yet.
    package var waitingNewsCount: Int { controlOutbox.waitingFrameCount }

    package var neighbourPlaces: [Place] { neighbours.all.map(\.place).sorted() }
}
