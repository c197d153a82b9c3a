/// Something that a worker remembers of itself for a while (`TrailRecord`): changes of state, never single blocks.
package enum TrailEvent: UInt16, CaseIterable, Sendable {
    // Of every worker.
    case begun = 1
    case neighbourJoined
    case ready
    case neighbourReplaced
    case neighbourGivenUp
    case neighbourAccused
    case regionMapped
    case torrentAdded
    case torrentRefused
    case stopping

    // Of a peer-worker.
    case connecting = 32
    case connected
    case closed
    case granted
    case grantUnsound
    case grantReturned
    case assignmentClosed
    case torrentRemoved
    case draining
    case acceptFailed
    case uploadFailed

    // Of a hash-worker.
    case opened = 64
    case openRefused
    case pieceClosed
    case verified
    case failed
    case handedOver
    case partHandedOver
    case adopted
    case disowned
    case restoreFailed

    // Of a writer.
    case received = 96
    case partReceived
    case written
    case partWritten
    case synced
    case diskFailed
    case diskRecovered
    case finished

    /// What is said of it; what it is about stands in front, and the number, if it has one, behind.
    package var text: String {
        switch self {
        case .begun: "has begun"
        case .neighbourJoined: "is joined with"
        case .ready: "is ready"
        case .neighbourReplaced: "makes way for"
        case .neighbourGivenUp: "has lost for good"
        case .neighbourAccused: "accuses"
        case .regionMapped: "reads the region of"
        case .torrentAdded: "added"
        case .torrentRefused: "not added"
        case .stopping: "stops"
        case .connecting: "connecting"
        case .connected: "connected"
        case .closed: "closed, cause"
        case .granted: "granted, blocks"
        case .grantUnsound: "a grant lies outside its torrent"
        case .grantReturned: "blocks given back"
        case .assignmentClosed: "closed"
        case .torrentRemoved: "removed"
        case .draining: "drains"
        case .acceptFailed: "cannot accept connections, errno"
        case .uploadFailed: "cannot be read for a peer, errno"
        case .opened: "opened"
        case .openRefused: "not opened"
        case .pieceClosed: "closed"
        case .verified: "its hash is right"
        case .failed: "its hash is wrong"
        case .handedOver: "handed to the writer"
        case .partHandedOver: "handed to the writer as it is"
        case .adopted: "what its predecessor left is sorted out"
        case .disowned: "nothing of it is kept"
        case .restoreFailed: "what was kept of it cannot be read, blocks"
        case .received: "frames to write"
        case .partReceived: "frames of an unfinished piece to write"
        case .written: "written"
        case .partWritten: "written as it is"
        case .synced: "synced, pieces"
        case .diskFailed: "a disk call failed, errno"
        case .diskRecovered: "the disk is well again"
        case .finished: "everything is synced and recorded"
        }
    }

    /// How its number is to be read.
    package var numberMeaning: NumberMeaning {
        switch self {
        case .neighbourJoined, .neighbourReplaced, .neighbourGivenUp, .neighbourAccused, .regionMapped: .place
        case .closed, .granted, .grantReturned, .acceptFailed, .uploadFailed, .restoreFailed, .received,
            .partReceived, .synced, .diskFailed:
            .plain
        case .begun, .ready, .torrentAdded, .torrentRefused, .stopping, .connecting, .connected, .grantUnsound,
            .assignmentClosed, .torrentRemoved, .draining, .opened, .openRefused, .pieceClosed, .verified, .failed,
            .handedOver, .partHandedOver, .adopted, .disowned, .written, .partWritten, .diskRecovered, .finished:
            .none
        }
    }

    package enum NumberMeaning { case none, plain, place }
}
