import BitTorrent
import PoolProtocol

/// A user wants a connection closed.
extension PeerBook {
    /// Closes it, and leaves its address alone for as long as one that failed again and again
    /// (`ReconnectBackoff.longest`). A peer that comes to us may come again.
    /// - Returns: false when there is no such connection, or it is being closed already.
    mutating func cancelled(_ key: Key, into actions: inout [Action]) -> Bool {
        guard let connection = connections[key], !connection.isBeingClosed else { return false }
        known.notWanted(connection.address)
        change(key) { $0.isBeingClosed = true }
        actions.append(.close(worker: key.worker, peer: key.peer, .userRequest))
        return true
    }
}
