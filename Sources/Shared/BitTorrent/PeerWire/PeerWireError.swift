/// What a peer did against the protocol. Costs that peer its connection and nothing else.
package enum PeerWireError: Error, Hashable, Sendable {
    // MARK: The handshake (BEP 3)

    /// The first twenty bytes are not "\u{13}BitTorrent protocol".
    case notBitTorrent
    /// It answered for a torrent that we did not ask for.
    case infoHashWrong
    /// A second handshake where a message should be.
    case handshakeTwice

    // MARK: Framing

    /// The length prefix is beyond `WireLimits.messageByteCount`.
    case messageTooLong(byteCount: UInt32)
    /// The length prefix does not fit this kind of message.
    case messageLengthWrong(PeerMessage.Identifier, byteCount: Int)
    /// A `piece` message without a byte of payload.
    case blockEmpty
    /// A `piece` message with more than a block of payload.
    case blockTooLong(byteCount: Int)

    // MARK: What it says it has

    case bitfieldLengthWrong(byteCount: Int)
    case bitfieldSpareBitsSet
    /// "Have all" or "have none" after it already said what it has (BEP 6: only as first message).
    case availabilityRepeated(PeerMessage.Identifier)
    case pieceOutOfRange(PeerMessage.Identifier, index: UInt32)

    // MARK: Blocks and requests

    /// A range of bytes that is empty, longer than a block, or leaves its piece.
    case spanOutOfRange(PeerMessage.Identifier, BlockSpan)
    /// A `piece` message whose `begin` is no multiple of 16 KiB; we never request one.
    case blockUnaligned(BlockSpan)
    /// More blocks that we did not ask for than a slow line explains (BEP 6 asks to close at the first).
    case tooManyUnrequestedBlocks
    /// It says we may request and then refuses everything.
    case tooManyRejects
    /// It goes on requesting although we choke it (BEP 6, "reject request").
    case requestFlood

    // MARK: Extensions

    /// A message of BEP 6 without both sides' bit in the handshake.
    case fastExtensionNotNegotiated(PeerMessage.Identifier)
    /// An extension handshake (BEP 10) that is no bencoded dictionary.
    case extensionHandshakeMalformed
    /// A `ut_pex` message (BEP 11) that is no bencoded dictionary, or whose addresses are cut.
    case peerExchangeMalformed
    /// Far more contacts in one message than BEP 11 allows.
    case peerExchangeTooLong(count: Int)
    /// More than a message a minute, again and again.
    case peerExchangeTooOften
}

/// How far a peer's stream had come when it ended. A value, never an empty buffer that somebody reads again.
package enum StreamEnd: Hashable, Sendable {
    /// Before the 68th byte of the handshake.
    case insideHandshake(receivedByteCount: Int)
    /// The one orderly place.
    case betweenMessages
    /// Inside the four bytes of a length prefix.
    case insideLength(receivedByteCount: Int)
    /// After the length, inside the identifier or the `index` and `begin` of a `piece`.
    case insideHeader
    /// Inside what follows the header; counts what is still missing.
    case insidePayload(missingByteCount: Int)
}
