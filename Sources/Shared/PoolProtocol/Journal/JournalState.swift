package import BitTorrent

/// All that a journal claims, whatever the order of its records was. Says nothing of the files themselves: whether a
/// claim is believed is `ResumeRecord`'s matter.
package struct JournalState: Equatable, Sendable {
    package let subject: JournalSubject
    package var synced: PieceSet
    /// Written and perhaps not on disk after a failed sync; never in `synced`.
    package var lost: PieceSet
    /// Unverified blocks of pieces that are neither synced nor lost.
    package var partials: [PieceIndex: BlockSet] = [:]
    /// The inode in which the writer last wrote each file.
    package var inodes: [UInt32: UInt64] = [:]
    /// As the last run had it; nil when it was never recorded.
    package var wantedFiles: [Bool]?
    /// Payload that was given to others, in all runs.
    package var uploadedByteCount: UInt64 = 0
    /// The facts of an orderly end, when nothing was recorded after it.
    package var cleanStop: [FileFact]?

    /// The state of an empty journal.
    package init(subject: JournalSubject) {
        self.subject = subject
        synced = PieceSet(pieceCount: subject.geometry.pieceCount)
        lost = PieceSet(pieceCount: subject.geometry.pieceCount)
    }

    package mutating func apply(_ record: JournalRecord) {
        cleanStop = nil
        switch record {
        case .piecesSynced(let pieces):
            for piece in pieces { claim(piece) }
        case .syncedMap(let pieces):
            pieces.forEach { claim($0) }
        case .partial(let piece, let blocks):
            if !synced.contains(piece) && !lost.contains(piece) { partials[piece] = blocks }
        case .beat: break
        case .cleanStop(let facts):
            cleanStop = facts
            for fact in facts { inodes[fact.file] = fact.inode }
        case .piecesLost(let pieces):
            for piece in pieces {
                synced.remove(piece)
                lost.insert(piece)
                partials[piece] = nil
            }
        case .filesKnown(let identities):
            for identity in identities { inodes[identity.file] = identity.inode }
        case .wantedFiles(let flags): wantedFiles = flags
        case .uploaded(let byteCount): uploadedByteCount = byteCount
        }
    }

    private mutating func claim(_ piece: PieceIndex) {
        synced.insert(piece)
        lost.remove(piece)
        partials[piece] = nil
    }

    /// The fewest records that lead to this state; a clean stop stays last.
    package var records: [JournalRecord] {
        var records: [JournalRecord] = []
        if let wantedFiles { records.append(.wantedFiles(wantedFiles)) }
        if !inodes.isEmpty {
            let identities = inodes.map { FileIdentity(file: $0.key, inode: $0.value) }
            records.append(.filesKnown(identities.sorted { $0.file < $1.file }))
        }
        if !synced.isEmpty { records.append(.syncedMap(synced)) }
        if !lost.isEmpty {
            var pieces: [PieceIndex] = []
            lost.forEach { pieces.append($0) }
            records.append(.piecesLost(pieces))
        }
        for (piece, blocks) in partials.sorted(by: { $0.key < $1.key }) { records.append(.partial(piece, blocks)) }
        if uploadedByteCount > 0 { records.append(.uploaded(uploadedByteCount)) }
        if let cleanStop { records.append(.cleanStop(cleanStop)) }
        return records
    }
}
