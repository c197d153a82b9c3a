import PoolRuntime

/// The two bounded queues between the supervisor's thread and the client's: requests and cancellations one way, results
/// the other. Wakes nobody; both sides do that themselves.
final class HTTPClientMailbox: Sendable {
    struct Work {
        var requests: [HTTPRequest] = []
        var cancellations: [UInt64] = []
        var isClosed = false
    }

    private struct State {
        var work = Work()
        /// Asked for, neither taken as result nor cancelled.
        var outstanding: Set<UInt64> = []
        var results: [HTTPResult] = []
    }

    private let limit: Int
    private let state = Locked(State())

    /// - Parameter limit: of requests that are on their way or wait at one end.
    init(limit: Int) { self.limit = limit }

    // MARK: The supervisor's side

    /// - Returns: false if the queue is full or closed; then there will be no result.
    func post(_ request: HTTPRequest) -> Bool {
        state.withLock { state in
            // Cancelled transfers count until the other side has heard of them.
            guard !state.work.isClosed, state.outstanding.count + state.work.cancellations.count < limit else {
                return false
            }
            precondition(state.outstanding.insert(request.id).inserted, "request \(request.id) is outstanding already")
            state.work.requests.append(request)
            return true
        }
    }

    /// - Returns: whether the other side has to hear of it. From now on there is no result for `id`.
    func cancel(_ id: UInt64) -> Bool {
        state.withLock { state in
            guard state.outstanding.remove(id) != nil else { return false }
            if let place = state.work.requests.firstIndex(where: { $0.id == id }) {
                state.work.requests.remove(at: place)
                return false
            }
            if let place = state.results.firstIndex(where: { $0.id == id }) {
                state.results.remove(at: place)
                return false
            }
            state.work.cancellations.append(id)
            return true
        }
    }

    func takeResults() -> [HTTPResult] {
        state.withLock { state in
            for result in state.results { state.outstanding.remove(result.id) }
            defer { state.results = [] }
            return state.results
        }
    }

    func close() { state.withLock { $0.work.isClosed = true } }

    // MARK: The client's side

    func takeWork() -> Work {
        state.withLock { state in
            defer { state.work = Work(isClosed: state.work.isClosed) }
            return state.work
        }
    }

    /// - Returns: whether somebody waits for it.
    func deliver(_ result: HTTPResult) -> Bool {
        state.withLock { state in
            guard state.outstanding.contains(result.id) else { return false }
            state.results.append(result)
            return true
        }
    }
}
