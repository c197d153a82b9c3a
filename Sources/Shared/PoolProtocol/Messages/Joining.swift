package import BitTorrent

/// What a worker says first on any edge. `vocabulary` differs between two builds that would misread each other.
package struct Hello: PoolCodable {
    package var who: Incarnation
    package var pid: UInt32
    package var vocabulary: UInt64

    package init(who: Incarnation, pid: UInt32, vocabulary: UInt64 = Vocabulary.hash) {
        self.who = who
        self.pid = pid
        self.vocabulary = vocabulary
    }

    package func encode(into writer: inout FrameWriter) {
        who.encode(into: &writer)
        writer.put(pid)
        writer.put(vocabulary)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        who = try Incarnation(from: &reader)
        pid = try reader.get()
        vocabulary = try reader.get()
    }
}

/// A living worker that the newcomer connects to. The path of its listener follows from the place, `Endpoints`.
package struct JoinOrder: Equatable, Sendable, PoolCodable {
    package var incumbents: [Incarnation]
    package init(incumbents: [Incarnation]) { self.incumbents = incumbents }
    package func encode(into writer: inout FrameWriter) { writer.put(list: incumbents) }
    package init(from reader: inout FrameReader) throws(PoolCodecError) { incumbents = try reader.getList() }
}

/// "I have seen that `newcomer` took the place; I drop all that older generations say or get."
package struct ReplacementSeen: PoolCodable {
    package var newcomer: Incarnation
    /// Assignments whose frames the answering writer's disk thread still reads from the dead hash-worker's region.
    package var stillReading: [AssignmentID]

    package init(newcomer: Incarnation, stillReading: [AssignmentID] = []) {
        self.newcomer = newcomer
        self.stillReading = stillReading
    }
    package func encode(into writer: inout FrameWriter) {
        newcomer.encode(into: &writer)
        writer.put(list: stillReading)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        newcomer = try Incarnation(from: &reader)
        stillReading = try reader.getList()
    }
}

/// A region of a neighbour's memory, handed over as a descriptor on the lifeline before it is named here.
package struct MapRegion: PoolCodable {
    package var owner: Incarnation
    package var descriptor: UInt32
    package var byteCount: UInt64

    package init(owner: Incarnation, descriptor: UInt32, byteCount: UInt64) {
        self.owner = owner
        self.descriptor = descriptor
        self.byteCount = byteCount
    }
    package func encode(into writer: inout FrameWriter) {
        owner.encode(into: &writer)
        writer.put(descriptor)
        writer.put(byteCount)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        owner = try Incarnation(from: &reader)
        descriptor = try reader.get()
        byteCount = try reader.get()
    }
}

/// The file names of the pool's listeners below the run directory.
package enum Endpoints {
    package static let control = "control.sock"
    package static func listener(of place: Place) -> String { "\(place).sock" }
}
