/// Cuts a peer's byte stream into the handshake, messages and blocks. Fed with the receive buffer in whatever cuts the
/// network made; asked for one event after another. A block's bytes are only pointed at, so whoever receives copies
/// them exactly once. Never allocates by a claimed length, never reads a socket, never judges what a message means.
///
/// ```
/// var offset = 0
/// while let event = try decoder.next(in: received, at: &offset) { … }   // offset == received.byteCount afterwards
/// ```
/// A caller that must stop (no room for a block) stops asking and keeps `received` from `offset` on.
package struct PeerStreamDecoder {
    package enum Event: Equatable, Sendable {
        /// Always first.
        case handshake(Handshake)
        /// A whole message; keep-alives are consumed without one.
        case message(PeerMessage)
        /// The head of a `piece` message; 1 … 16 KiB of payload follow.
        case blockBegins(BlockSpan)
        /// The next bytes of the block: where they lie in the bytes fed, and how many of the block came before.
        case blockBytes(Range<Int>, offset: Int)
        case blockEnds
    }

    /// What the next byte belongs to.
    private enum Place {
        /// Then `length`.
        case handshake
        /// Four bytes. Zero is a keep-alive and leads back here.
        case length
        /// One byte, the identifier, of a message of so many bytes with it.
        case identifier(byteCount: Int)
        /// `index` and `begin` of a `piece` with so many bytes of payload.
        case blockHead(payloadByteCount: Int)
        case block(received: Int, byteCount: Int)
        /// A small message is gathered until whole.
        case body(PeerMessage.Identifier, byteCount: Int)
        /// An unknown message is counted, not kept.
        case skipped(UInt8, missing: Int, byteCount: Int)
        /// For good: a stream that was once out of step cannot be trusted again.
        case broken(PeerWireError)
    }

    private var place = Place.handshake
    private var handshake = HandshakeDecoder()
    private var number = GatheredNumber()
    /// The part of a small message that has arrived; empty between messages. Bounded by `WireLimits`.
    private var held: [UInt8] = []
    private var bitfieldLimit: ClosedRange<Int>

    package init() {
        bitfieldLimit = 0...WireLimits.bitfieldByteCount(pieceCount: TorrentGeometry.maximumPieceCount)
    }

    /// From here on a bitfield must have exactly the length that this many pieces need.
    package mutating func torrentIdentified(pieceCount: Int) {
        let byteCount = WireLimits.bitfieldByteCount(pieceCount: pieceCount)
        bitfieldLimit = byteCount...byteCount
    }

    /// Where the stream is now: what it means if no byte follows.
    package var streamEnd: StreamEnd {
        switch place {
        case .handshake: .insideHandshake(receivedByteCount: handshake.receivedByteCount)
        case .length where number.byteCount > 0: .insideLength(receivedByteCount: number.byteCount)
        case .length, .broken: .betweenMessages
        case .identifier, .blockHead: .insideHeader
        case .block(let received, let byteCount): .insidePayload(missingByteCount: byteCount - received)
        case .body(_, let byteCount): .insidePayload(missingByteCount: byteCount - held.count)
        case .skipped(_, let missing, _): .insidePayload(missingByteCount: missing)
        }
    }

    /// What the next bytes are if the peer sends nothing but blocks of full length: lets a receiver have them put where
    /// they belong. Only a guess while a head is missing; to be asked again when that has come.
    package enum Prospect: Equatable, Sendable {
        /// So many bytes of a message's length, identifier, index and begin.
        case blockHead(missingByteCount: Int)
        /// So many bytes of the block that has begun.
        case payload(missingByteCount: Int)
        case other
    }

    package var prospect: Prospect {
        switch place {
        case .length: .blockHead(missingByteCount: 13 - number.byteCount)
        case .identifier(let byteCount):
            byteCount == 9 + WireLimits.blockByteCount ? .blockHead(missingByteCount: 9) : .other
        case .blockHead(let byteCount):
            byteCount == WireLimits.blockByteCount ? .blockHead(missingByteCount: 8 - number.byteCount) : .other
        case .block(let received, let byteCount): .payload(missingByteCount: byteCount - received)
        case .handshake, .body, .skipped, .broken: .other
        }
    }

    /// Payload of the block that is under way; 0 between blocks.
    package var blockByteCount: Int {
        if case .block(_, let byteCount) = place { byteCount } else { 0 }
    }

    /// - Parameter offset: where to read on in `bytes`; moved past what was consumed.
    /// - Returns: nil when every byte is consumed and more are needed.
    /// - Throws: what the peer did wrong; the same again at every later call.
    package mutating func next(in bytes: RawSpan, at offset: inout Int) throws(PeerWireError) -> Event? {
        do {
            return try advance(in: bytes, at: &offset)
        } catch {
            place = .broken(error)
            held = []
            throw error
        }
    }

    private mutating func advance(in bytes: RawSpan, at offset: inout Int) throws(PeerWireError) -> Event? {
        while true {
            switch place {
            case .handshake:
                guard let whole = try handshake.next(in: bytes, at: &offset) else { return nil }
                place = .length
                return .handshake(whole)

            case .length:
                guard let length = number.gather(byteCount: 4, in: bytes, at: &offset) else { return nil }
                if length != 0 { place = .identifier(byteCount: try Self.checked(length: UInt32(length))) }

            case .identifier(let byteCount):
                guard let raw = number.gather(byteCount: 1, in: bytes, at: &offset) else { return nil }
                place = try placeAfter(identifier: UInt8(raw), bodyByteCount: byteCount - 1)

            case .blockHead(let byteCount):
                guard let head = number.gather(byteCount: 8, in: bytes, at: &offset) else { return nil }
                place = .block(received: 0, byteCount: byteCount)
                return .blockBegins(
                    BlockSpan(
                        index: UInt32(head >> 32), begin: UInt32(truncatingIfNeeded: head), byteCount: UInt32(byteCount)
                    ))

            case .block(let received, let byteCount):
                if received == byteCount {
                    place = .length
                    return .blockEnds
                }
                let taken = min(byteCount - received, bytes.byteCount - offset)
                if taken == 0 { return nil }
                place = .block(received: received + taken, byteCount: byteCount)
                offset += taken
                return .blockBytes(offset - taken..<offset, offset: received)

            case .body(let identifier, let byteCount):
                guard let message = gather(identifier, byteCount: byteCount, in: bytes, at: &offset) else { return nil }
                place = .length
                return .message(message)

            case .skipped(let identifier, let missing, let byteCount):
                let taken = min(missing, bytes.byteCount - offset)
                offset += taken
                place =
                    taken == missing ? .length : .skipped(identifier, missing: missing - taken, byteCount: byteCount)
                return taken == missing ? .message(.unknown(identifier: identifier, byteCount: byteCount)) : nil

            case .broken(let error): throw error
            }
        }
    }

    private static func checked(length: UInt32) throws(PeerWireError) -> Int {
        /// "\u{13}Bit", the start of a handshake, read as a length.
        let handshakeAsLength: UInt32 = 0x1342_6974
        if length == handshakeAsLength { throw .handshakeTwice }
        guard length <= WireLimits.messageByteCount else { throw .messageTooLong(byteCount: length) }
        return Int(length)
    }

    /// Decides by the identifier what the rest of the message is, and whether it may be that long.
    private func placeAfter(identifier raw: UInt8, bodyByteCount: Int) throws(PeerWireError) -> Place {
        guard let identifier = PeerMessage.Identifier(rawValue: raw) else {
            return .skipped(raw, missing: bodyByteCount, byteCount: bodyByteCount)
        }
        switch identifier {
        case .piece:
            let payloadByteCount = bodyByteCount - 8
            guard payloadByteCount >= 0 else { throw .messageLengthWrong(.piece, byteCount: bodyByteCount) }
            guard payloadByteCount > 0 else { throw .blockEmpty }
            guard payloadByteCount <= WireLimits.blockByteCount else {
                throw .blockTooLong(byteCount: payloadByteCount)
            }
            return .blockHead(payloadByteCount: payloadByteCount)
        case .bitfield:
            guard bitfieldLimit.contains(bodyByteCount) else { throw .bitfieldLengthWrong(byteCount: bodyByteCount) }
        case .extended:
            guard (1...WireLimits.extendedByteCount).contains(bodyByteCount) else {
                throw .messageLengthWrong(.extended, byteCount: bodyByteCount)
            }
        case .choke, .unchoke, .interested, .notInterested, .have, .request, .cancel, .port,
            .suggestPiece, .haveAll, .haveNone, .rejectRequest, .allowedFast:
            guard bodyByteCount == identifier.fixedByteCount else {
                throw .messageLengthWrong(identifier, byteCount: bodyByteCount)
            }
        }
        return .body(identifier, byteCount: bodyByteCount)
    }

    /// A message that lies whole in `bytes` is read in place; otherwise its parts are kept until they are all there.
    private mutating func gather(
        _ identifier: PeerMessage.Identifier, byteCount: Int, in bytes: RawSpan, at offset: inout Int
    ) -> PeerMessage? {
        let taken = min(byteCount - held.count, bytes.byteCount - offset)
        let part = bytes.extracting(offset..<offset + taken)
        offset += taken
        if held.isEmpty, taken == byteCount { return PeerMessageDecoder.decode(identifier, body: part) }
        part.withUnsafeBytes { held.append(contentsOf: $0) }
        guard held.count == byteCount else { return nil }
        let message = PeerMessageDecoder.decode(identifier, body: held.span.bytes)
        // A request's worth of room is kept for the next cut message; a bitfield's is given back.
        held.removeAll(keepingCapacity: byteCount <= 64)
        return message
    }
}

/// A big-endian number of up to eight bytes that may come in several reads.
private struct GatheredNumber {
    private var value: UInt64 = 0
    /// Bytes so far; 0 whenever no number is under way.
    private(set) var byteCount = 0

    /// - Returns: the number once all its bytes have come, and is then ready for the next.
    mutating func gather(byteCount wanted: Int, in bytes: RawSpan, at offset: inout Int) -> UInt64? {
        while byteCount < wanted {
            guard offset < bytes.byteCount else { return nil }
            value = value << 8 | UInt64(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
            offset += 1
            byteCount += 1
        }
        defer { self = GatheredNumber() }
        return value
    }
}
