/// Open assignments as people see them; asked by somebody who looks in, never on a block's way.
extension BlockLedger {
    package struct Standing: Equatable, Sendable {
        package let blockCount: Int
        /// Granted to nobody.
        package let ungrantedCount: Int
        /// Known to have come; what a lone worker delivers is told with the verdict only.
        package let presentCount: Int
        /// Their worker died, or they are being read back from disk.
        package let inDoubtCount: Int
        /// Workers that hold blocks, and how many.
        package let holders: [Holder]

        package struct Holder: Equatable, Sendable {
            package let worker: Int
            package let blockCount: Int
        }
    }

    /// nil when the assignment is not open.
    package func standing(of assignment: AssignmentID) -> Standing? {
        openPiece(assignment).map { piece in
            Standing(
                blockCount: piece.blockCount, ungrantedCount: piece.ungranted.count,
                presentCount: piece.present.count, inDoubtCount: piece.inDoubt.count,
                holders: piece.holders.map { .init(worker: $0.worker, blockCount: $0.blocks.count) })
        }
    }
}
