/// A frame from our own pool that cannot be read: a bug or a taken-over worker, never a peer's doing.
package enum PoolCodecError: Error, Equatable {
    /// The frame ends inside a field.
    case truncated
    /// No message of this edge has this number.
    case unknownKind(UInt8)
    /// A list claims more entries than `Topology.maximumListCount`, or more than the frame can hold.
    case listTooLong(Int)
    /// A field holds a value outside its type.
    case invalidField(String)
}
