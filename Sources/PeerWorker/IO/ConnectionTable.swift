import BitTorrent
import PoolProtocol

/// Owns which connections there are, by the peer's name, and hands out names for incoming ones: the highest bit, ten
/// bits of the worker's generation, a number of 21 bits.
///
/// A block outlives the worker that it came through, and so does its sender's name: were names given again by the next
/// generation, a peer would be banned for the lie of a dead namesake.
struct ConnectionTable {
    /// Names below are the supervisor's (`PeerToConnect`).
    static let firstIncoming = PeerName.firstIncoming
    /// Two million connections, and a thousand successors, from one name to its return: far more than come and go while
    /// a piece is open.
    private static let numberBitCount = PeerName.incomingBitCount
    private static let mostNumbers: UInt32 = 1 << numberBitCount

    let capacity: Int
    private var byPeer: [UInt32: Connection] = [:]
    private let generationBase: UInt32
    private var nextNumber: UInt32 = 0

    /// - Parameter capacity: most connections at a time, less than a million.
    /// - Parameter generation: of this worker.
    init(capacity: Int, generation: UInt32) {
        self.capacity = capacity
        generationBase = Self.firstIncoming | generation << Self.numberBitCount
    }

    var isEmpty: Bool { byPeer.isEmpty }
    var isFull: Bool { byPeer.count >= capacity }
    var all: some Collection<Connection> { byPeer.values }

    subscript(peer: UInt32) -> Connection? { byPeer[peer] }

    /// A name that no connection has, nor any had lately. Some number is always free: there are more of them than
    /// connections may be.
    mutating func nameIncoming() -> UInt32 {
        while true {
            let name = generationBase | nextNumber
            nextNumber = (nextNumber + 1) % Self.mostNumbers
            if byPeer[name] == nil { return name }
        }
    }

    mutating func insert(_ connection: Connection) { byPeer[connection.peer] = connection }

    /// - Returns: whether it was there.
    mutating func remove(_ connection: Connection) -> Bool { byPeer.removeValue(forKey: connection.peer) != nil }
}
