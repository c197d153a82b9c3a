/// An entry of a message: a fixed sequence of fields.
package protocol PoolCodable: Equatable, Sendable {
    func encode(into writer: inout FrameWriter)
    init(from reader: inout FrameReader) throws(PoolCodecError)
}

/// All that one process may say to another: the vocabulary of one directed edge.
package protocol PoolMessage: PoolCodable {
    static var edge: Edge { get }
    /// One message of every kind with every field filled: the golden frames, and the source of the vocabulary's hash.
    static var samples: [Self] { get }
}
