import BitTorrent
import PoolProtocol
import PoolRuntime

/// One living process of the pool, and all that ends with it. Its places and its fate are the keeper's business.
final class WorkerProcess {
    let incarnation: Incarnation
    let child: ChildProcess
    let lifeline: Lifeline
    let status: StatusPageReader
    var silence: Silence
    /// Orders that wait to be sent over the control socket.
    var outbox = Outbox()
    /// Set by `hello`: before it, nothing can be sent.
    var isConnected = false
    var complaints: WorkerComplaints
    /// What to say when the worker has named a descriptor as received.
    private var waiting: [UInt32: () -> Void] = [:]
    private var latestDescriptor: UInt32 = 0
    /// Watches of the poll loop, to be removed with the process.
    var watches: [Int] = []
    var hasToldSlowDisk = false

    init(
        _ incarnation: Incarnation, child: ChildProcess, lifeline: Lifeline, status: StatusPageReader,
        silence: Silence, complaints: WorkerComplaints
    ) {
        self.incarnation = incarnation
        self.child = child
        self.lifeline = lifeline
        self.status = status
        self.silence = silence
        self.complaints = complaints
    }

    /// Passes descriptors over the lifeline; `then` runs when the worker has them all.
    /// - Returns: their names, in order.
    @discardableResult
    func pass(_ descriptors: [CInt], then: @escaping () -> Void) throws(SystemCallError) -> [UInt32] {
        var names: [UInt32] = []
        for _ in descriptors {
            latestDescriptor += 1
            names.append(latestDescriptor)
        }
        for start in stride(from: 0, to: names.count, by: DescriptorsPassed.maximumCount) {
            let end = min(start + DescriptorsPassed.maximumCount, names.count)
            try lifeline.send(
                DescriptorsPassed(identifiers: Array(names[start..<end])), descriptors: Array(descriptors[start..<end]))
        }
        // Datagrams arrive in order, so the last name stands for all of them.
        if let last = names.last { waiting[last] = then } else { then() }
        return names
    }

    func descriptorReceived(_ name: UInt32) { waiting.removeValue(forKey: name)?() }
}
