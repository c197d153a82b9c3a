/// The number of a piece, from 0. Made from a wire number only by `TorrentGeometry.piece(_:)`, which checks the range.
package struct PieceIndex: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32
    /// For numbers that our own code counted; what a peer says goes through `TorrentGeometry.piece(_:)`.
    @inlinable package init(_ rawValue: UInt32) { self.rawValue = rawValue }
    @inlinable package init(_ value: Int) { rawValue = UInt32(value) }
    @inlinable package var value: Int { Int(rawValue) }
    @inlinable package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(rawValue) }
}
