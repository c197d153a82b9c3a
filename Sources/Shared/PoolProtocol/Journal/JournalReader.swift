package import BitTorrent

/// Why a file is not the journal of this torrent.
package enum JournalRefusal: Error, Equatable, CustomStringConvertible {
    case notAJournal
    case unknownVersion(UInt8)
    case damagedHeader
    case otherTorrent(InfoHash)
    /// The same info-hash with other lengths or another number of files: a fault of ours or a collision.
    case otherGeometry

    package var description: String {
        switch self {
        case .notAJournal: "is not a resume journal"
        case .unknownVersion(let version): "is a resume journal of another version (\(version))"
        case .damagedHeader: "is a resume journal with a damaged header"
        case .otherTorrent(let infoHash): "is the resume journal of another torrent (\(infoHash))"
        case .otherGeometry: "is a resume journal with other lengths than the torrent's"
        }
    }
}

/// The part of a journal that can be believed.
package struct JournalReading: Equatable, Sendable {
    package enum Damage: Equatable, Sendable, CustomStringConvertible {
        /// The file ends inside a record: the end of an append that was cut short.
        case torn
        case badChecksum
        /// A sound checksum around fields that make no sense for this torrent.
        case unreadable

        package var description: String {
            switch self {
            case .torn: "ends inside a record"
            case .badChecksum: "has a record with a wrong checksum"
            case .unreadable: "has a record that makes no sense"
            }
        }
    }

    package var state: JournalState
    /// Bytes up to the end of the last sound record; what follows must be cut before anything is appended.
    package var validByteCount: Int
    /// Why reading ended before the end of the file.
    package var damage: Damage?
}

/// Reads a journal that a crash, a bad disk or anybody may have cut, garbled or swapped. Believes nothing behind the
/// first unsound record, since an append after it would not have been written by a sound writer.
package enum JournalReader {
    package static func read(
        _ bytes: UnsafeRawBufferPointer, subject: JournalSubject
    ) throws(JournalRefusal) -> JournalReading {
        try checkHeader(bytes, subject: subject)
        var state = JournalState(subject: subject)
        var offset = JournalWriter.headerByteCount
        var damage: JournalReading.Damage?
        while offset < bytes.count {
            switch record(at: offset, in: bytes, subject: subject) {
            case .sound(let record, let end):
                state.apply(record)
                offset = end
                continue
            case .unsound(let reason): damage = reason
            }
            break
        }
        return JournalReading(state: state, validByteCount: offset, damage: damage)
    }

    package static func read(_ bytes: [UInt8], subject: JournalSubject) throws(JournalRefusal) -> JournalReading {
        // A typed error does not pass through the closure of `withUnsafeBytes`, a result does.
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(JournalRefusal) in try read(buffer, subject: subject) }
        }
        return try result.get()
    }

    private static func checkHeader(
        _ bytes: UnsafeRawBufferPointer, subject: JournalSubject
    ) throws(JournalRefusal) {
        let magic = JournalWriter.magic
        guard bytes.count >= magic.count, bytes.prefix(3).elementsEqual(magic.prefix(3)) else { throw .notAJournal }
        guard bytes[3] == magic[3] else { throw .unknownVersion(bytes[3]) }
        guard bytes.count >= JournalWriter.headerByteCount else { throw .damagedHeader }
        let covered = UnsafeRawBufferPointer(rebasing: bytes[..<(JournalWriter.headerByteCount - 4)])
        var reader = FrameReader(
            UnsafeRawBufferPointer(rebasing: bytes[magic.count..<JournalWriter.headerByteCount]))
        guard let infoHash = try? Digest(from: &reader), let total = try? reader.get(UInt64.self),
            let pieceByteCount = try? reader.get(UInt32.self), let fileCount = try? reader.get(UInt32.self),
            let checksum = try? reader.get(UInt32.self), checksum == JournalChecksum.of(covered)
        else { throw .damagedHeader }
        guard infoHash == subject.infoHash.digest else { throw .otherTorrent(InfoHash(infoHash)) }
        guard total == subject.geometry.totalByteCount, pieceByteCount == subject.geometry.pieceByteCount,
            Int(fileCount) == subject.fileCount
        else { throw .otherGeometry }
    }

    private enum Outcome {
        case sound(JournalRecord, end: Int)
        case unsound(JournalReading.Damage)
    }

    private static func record(at offset: Int, in bytes: UnsafeRawBufferPointer, subject: JournalSubject) -> Outcome {
        let head = JournalWriter.recordHeadByteCount
        guard bytes.count - offset >= head else { return .unsound(.torn) }
        let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        let checksum = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
        guard length <= bytes.count - offset - head else { return .unsound(.torn) }
        let body = UnsafeRawBufferPointer(rebasing: bytes[(offset + head)..<(offset + head + length)])
        let lengthBytes = UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + 4)])
        guard checksum == JournalChecksum.of(lengthBytes, body) else { return .unsound(.badChecksum) }
        guard let record = JournalRecord(body: body, subject: subject) else { return .unsound(.unreadable) }
        return .sound(record, end: offset + head + length)
    }
}
