package import BitTorrent

/// The 64 bytes that describe a frame in shared memory, so that a successor can read what its predecessor held.
/// Layout, little-endian: assignment u64 · index of the frame in its piece u32 · presence u32 (bit b: block b is
/// whole) · four contributors of 6 bytes · zeros. A presence bit is stored, with release order, after its block.
package struct FrameHeader: Equatable, Sendable {
    package static let assignmentOffset = 0
    package static let indexOffset = 8
    package static let presenceOffset = 12
    package static func contributorOffset(_ block: Int) -> Int { 16 + block * 6 }

    /// 0 marks a free frame; assignments count from 1.
    package var assignment: AssignmentID
    package var index: UInt32
    package var presence: UInt32
    /// One for each of the frame's four blocks; meaningless where the presence bit is 0.
    package var contributors: [Contributor]

    package init(assignment: AssignmentID, index: UInt32, presence: UInt32, contributors: [Contributor]) {
        self.assignment = assignment
        self.index = index
        self.presence = presence
        self.contributors = contributors
    }
}
