import BitTorrent
import PoolProtocol

/// What a liar left behind.
extension AssemblyTable {
    /// A peer was found to lie: what it sent of unfinished pieces is thrown away before it spoils them. A complete piece
    /// goes on to its verdict, and one that the writer reads stays as it is: both are judged as a whole.
    mutating func disown(_ liar: Contributor, now: MonotonicInstant, into actions: inout [AssemblyAction]) {
        guard adoption == nil else { return }
        for position in pieces.indices {
            guard pieces[position].stage == .gathering, !pieces[position].isReadByWriter else { continue }
            let blocks = blocks(of: liar, at: position)
            if blocks.isEmpty { continue }
            for run in blocks.runs() {
                for block in run {
                    let (frame, place) = pieces[position].place(ofBlock: block)
                    region.drop(blockAt: place, inFrame: frame)
                }
            }
            pieces[position].blocksDropped(blocks)
            updateStanding(position, now: now)
            let assignment = pieces[position].assignment
            actions.append(.tellSupervisor(.blocksDropped(assignment: assignment, bits: blocks.bits)))
        }
    }

    private func blocks(of contributor: Contributor, at position: Int) -> BlockSet {
        var found = BlockSet(blockCount: pieces[position].blockCount)
        for run in pieces[position].present.runs() {
            for block in run {
                let (frame, place) = pieces[position].place(ofBlock: block)
                guard region.contributor(ofBlock: place, inFrame: frame) == contributor else { continue }
                found.insert(block..<block + 1)
            }
        }
        return found
    }
}
