package import BitTorrent

/// How one assignment's grant at a peer-worker gets on; for people only.
package struct GrantReport: PoolCodable, Equatable {
    package var assignment: AssignmentID
    /// Blocks that it was granted and that are neither here nor handed back.
    package var outstandingCount: UInt32
    /// When the next of them counts as late, or goes back because no peer can be asked for it: nanoseconds of the
    /// monotonic clock, which all processes of a machine share. 0: not known.
    package var deadline: UInt64

    package init(assignment: AssignmentID, outstandingCount: UInt32, deadline: UInt64) {
        self.assignment = assignment
        self.outstandingCount = outstandingCount
        self.deadline = deadline
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(assignment)
        writer.put(outstandingCount)
        writer.put(deadline)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        assignment = try reader.get()
        outstandingCount = try reader.get()
        deadline = try reader.get()
    }
}
