/// A torrent's totals since this generation began, in bytes of payload; and how the worker's slots are, which all torrents
/// share.
package struct TransferReport: PoolCodable {
    package var downloadedByteCount: UInt64
    /// Payload that nobody had asked for, or that came twice.
    package var wastedByteCount: UInt64
    package var uploadedByteCount: UInt64
    package var freeSlotCount: UInt16
    package var waitingSocketCount: UInt16

    package init(
        downloadedByteCount: UInt64, wastedByteCount: UInt64, uploadedByteCount: UInt64, freeSlotCount: UInt16,
        waitingSocketCount: UInt16
    ) {
        self.downloadedByteCount = downloadedByteCount
        self.wastedByteCount = wastedByteCount
        self.uploadedByteCount = uploadedByteCount
        self.freeSlotCount = freeSlotCount
        self.waitingSocketCount = waitingSocketCount
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(downloadedByteCount)
        writer.put(wastedByteCount)
        writer.put(uploadedByteCount)
        writer.put(freeSlotCount)
        writer.put(waitingSocketCount)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        downloadedByteCount = try reader.get()
        wastedByteCount = try reader.get()
        uploadedByteCount = try reader.get()
        freeSlotCount = try reader.get()
        waitingSocketCount = try reader.get()
    }

    static let sample = TransferReport(
        downloadedByteCount: 1, wastedByteCount: 2, uploadedByteCount: 3, freeSlotCount: 4, waitingSocketCount: 5)
}

package struct PeerReport: PoolCodable {
    package var peer: UInt32
    package var downloadedByteCount: UInt64
    package var uploadedByteCount: UInt64
    /// Payload bytes a second over the last few seconds.
    package var downloadRate: UInt32
    package var uploadRate: UInt32
    package var outstandingRequestCount: UInt16
    package var isChokingUs: Bool
    /// It has everything, or wants no more (BEP 21).
    package var isSeed: Bool
    package var isSnubbed: Bool
    /// It wants something of us.
    package var isInterested: Bool
    /// We let it request.
    package var isUnchoked: Bool
    /// When the block that it has owed longest counts as late: nanoseconds of the monotonic clock, which all processes of
    /// a machine share. 0: it owes none.
    package var deadline: UInt64

    package init(
        peer: UInt32, downloadedByteCount: UInt64, uploadedByteCount: UInt64, downloadRate: UInt32, uploadRate: UInt32,
        outstandingRequestCount: UInt16, isChokingUs: Bool, isSeed: Bool, isSnubbed: Bool, isInterested: Bool,
        isUnchoked: Bool, deadline: UInt64 = 0
    ) {
        self.peer = peer
        self.downloadedByteCount = downloadedByteCount
        self.uploadedByteCount = uploadedByteCount
        self.downloadRate = downloadRate
        self.uploadRate = uploadRate
        self.outstandingRequestCount = outstandingRequestCount
        self.isChokingUs = isChokingUs
        self.isSeed = isSeed
        self.isSnubbed = isSnubbed
        self.isInterested = isInterested
        self.isUnchoked = isUnchoked
        self.deadline = deadline
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(peer)
        writer.put(downloadedByteCount)
        writer.put(uploadedByteCount)
        writer.put(downloadRate)
        writer.put(uploadRate)
        writer.put(outstandingRequestCount)
        writer.put(flag: isChokingUs)
        writer.put(flag: isSeed)
        writer.put(flag: isSnubbed)
        writer.put(flag: isInterested)
        writer.put(flag: isUnchoked)
        writer.put(deadline)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        peer = try reader.get()
        downloadedByteCount = try reader.get()
        uploadedByteCount = try reader.get()
        downloadRate = try reader.get()
        uploadRate = try reader.get()
        outstandingRequestCount = try reader.get()
        isChokingUs = try reader.getBool()
        isSeed = try reader.getBool()
        isSnubbed = try reader.getBool()
        isInterested = try reader.getBool()
        isUnchoked = try reader.getBool()
        deadline = try reader.get()
    }

    static let sample = PeerReport(
        peer: 5, downloadedByteCount: 6, uploadedByteCount: 10, downloadRate: 7, uploadRate: 8,
        outstandingRequestCount: 9, isChokingUs: true, isSeed: false, isSnubbed: true, isInterested: true,
        isUnchoked: false, deadline: 11)
}

/// Whether a peer wants something of us (BEP 3).
package struct PeerInterest: PoolCodable {
    package var peer: UInt32
    package var isInterested: Bool

    package init(peer: UInt32, isInterested: Bool) {
        self.peer = peer
        self.isInterested = isInterested
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(peer)
        writer.put(flag: isInterested)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        peer = try reader.get()
        isInterested = try reader.getBool()
    }
}
