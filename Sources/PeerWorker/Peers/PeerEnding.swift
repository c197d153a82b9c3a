import BitTorrent
import PoolProtocol

/// How a connection ended, in the words of the pool: whose doing it was, and one line for people.
struct PeerEnding: Equatable {
    let cause: PeerClosed.Cause
    let text: String

    init(_ cause: PeerClosed.Cause, _ text: String) {
        self.cause = cause
        self.text = text
    }

    /// - Parameter wasOpen: both handshakes were done.
    init(_ reason: CloseReason, wasOpen: Bool) {
        switch reason {
        case .peerBroke(let error):
            let isHandshake = error == .notBitTorrent || error == .infoHashWrong
            self.init(isHandshake ? .handshakeFailed : .misbehaved, Self.text(error))
        case .peerClosed(let end): self.init(wasOpen ? .lost : .handshakeFailed, "the peer closed \(Self.text(end))")
        case .connectionLost(let end):
            self.init(wasOpen ? .lost : .handshakeFailed, "the connection broke \(Self.text(end))")
        case .handshakeTimedOut: self.init(.handshakeFailed, "no whole handshake in time")
        case .silent: self.init(.lost, "nothing came for too long")
        case .selfConnection: self.init(.ourselves, "the other end is this client")
        case .torrentUnknown: self.init(.handshakeFailed, "it wants a torrent that is not ours")
        case .ownerClosed: self.init(.closedByUs, "closed by us")
        }
    }

    init(_ cause: CloseCause) {
        switch cause {
        case .duplicate: self.init(.closedByUs, "the peer is connected already")
        case .banned: self.init(.closedByUs, "the address is banned")
        case .tooMany: self.init(.closedByUs, "more connections than are wanted")
        case .useless: self.init(.closedByUs, "neither side needs the other")
        case .torrentStopped: self.init(.closedByUs, "the torrent was stopped")
        case .userRequest: self.init(.closedByUs, "a user asked for it")
        }
    }

    private static func text(_ end: StreamEnd) -> String {
        switch end {
        case .insideHandshake(let count): "after \(count) bytes of the handshake"
        case .betweenMessages: "between two messages"
        case .insideLength: "inside a length"
        case .insideHeader: "inside a header"
        case .insidePayload(let missing): "\(missing) bytes before the end of a message"
        }
    }

    private static func text(_ error: PeerWireError) -> String {
        switch error {
        case .notBitTorrent: "it does not speak BitTorrent"
        case .infoHashWrong: "it answered for another torrent"
        case .handshakeTwice: "a second handshake"
        case .messageTooLong(let byteCount): "a message of \(byteCount) bytes"
        case .messageLengthWrong(let identifier, let byteCount): "\(identifier) with \(byteCount) bytes"
        case .blockEmpty: "a block without a byte"
        case .blockTooLong(let byteCount): "a block of \(byteCount) bytes"
        case .bitfieldLengthWrong(let byteCount): "a bitfield of \(byteCount) bytes"
        case .bitfieldSpareBitsSet: "a bitfield with spare bits set"
        case .availabilityRepeated(let identifier): "\(identifier) after it had said what it has"
        case .pieceOutOfRange(let identifier, let index): "\(identifier) for piece \(index), which does not exist"
        case .spanOutOfRange(let identifier, let span): "\(identifier) beyond its piece (\(Self.text(span)))"
        case .blockUnaligned(let span): "a block at an odd offset (\(Self.text(span)))"
        case .tooManyUnrequestedBlocks: "too many blocks that were not requested"
        case .tooManyRejects: "it unchokes us and refuses every request"
        case .requestFlood: "too many requests while choked"
        case .fastExtensionNotNegotiated(let identifier): "\(identifier) without the fast extension"
        case .extensionHandshakeMalformed: "an extension handshake that is no dictionary"
        case .peerExchangeMalformed: "a peer exchange that cannot be read"
        case .peerExchangeTooLong(let count): "a peer exchange of \(count) addresses"
        case .peerExchangeTooOften: "more peer exchanges than one a minute"
        }
    }

    private static func text(_ span: BlockSpan) -> String {
        "piece \(span.index), offset \(span.begin), \(span.byteCount) bytes"
    }
}
