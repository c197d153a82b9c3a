/// A step of one block's way from its request into the file. Told at the level `trace` alone.
package enum BlockStep: String, Sendable {
    // Of a peer-worker.
    case requested
    case begun = "begins to arrive"
    case whole = "whole, handed over"
    case late = "whole, but nobody wants it any more"
    case taken = "its slot is free again"
    case returnedAsDuplicate = "its slot is free again, the block was there"
    case returnedUnwanted = "its slot is free again, the block is not wanted"

    // Of a hash-worker.
    case copied = "copied into its frame"
    case duplicate = "is there already"
    case unwanted = "belongs to no open attempt"
    case right = "the hash of its piece is right"
    case wrong = "the hash of its piece is wrong"

    // Of a writer.
    case toWrite = "waits to be written"
    case written

    /// - Parameter slot: of the peer-worker's region.
    package func text(slot: UInt32?) -> String { slot.map { "\(rawValue) (slot \($0))" } ?? rawValue }
}
