"""Peers that send what BEP 3, 6 and 10 forbid, or what they allow and nobody sends; otherwise honest seeders."""
import struct

import wire
from behaviours import Seeder


class MessageFirst(Seeder):
    """Sends its bitfield where the handshake belongs."""

    def greet(self):
        self.announce_pieces()


class ShortBitfield(Seeder):
    """A bitfield N bytes (default 1) too short."""
    change = -1

    def announce_pieces(self):
        size = (self.metainfo.piece_count + 7) // 8 + self.change * (self.argument or 1)
        self.connection.send(wire.message(wire.BITFIELD, bytes(size)))


class LongBitfield(ShortBitfield):
    """A bitfield N bytes (default 1) too long."""
    change = 1


class LateBitfield(Seeder):
    """A bitfield after a HAVE; BEP 3 allows it as the first message only, and aria2 sends it."""

    def announce_pieces(self):
        self.connection.send(wire.have(0))
        super().announce_pieces()


class HaveAllUnasked(Seeder):
    """HAVE ALL without the bit of the fast extension in its handshake (BEP 6)."""
    reserved = bytes(8)

    def announce_pieces(self):
        self.connection.send(wire.message(wire.HAVE_ALL))


class AllowedFastOutOfRange(Seeder):
    def became_interested(self):
        self.connection.send(wire.message(wire.ALLOWED_FAST, struct.pack(">I", self.metainfo.piece_count)))


class PieceOutOfRange(Seeder):
    """A block of a piece that the torrent does not have."""

    def answer(self, piece, begin, length):
        self.connection.send(wire.block(self.metainfo.piece_count, begin, bytes(length)))


class PieceOverflow(Seeder):
    """A block whose begin + length is beyond 2^32."""

    def answer(self, piece, begin, length):
        self.connection.send(wire.block(piece, 2**32 - 16384, bytes(length)))


class PieceEmpty(Seeder):
    def answer(self, piece, begin, length):
        self.connection.send(wire.block(piece, begin, b""))


class PieceTooLong(Seeder):
    """Answers the first request with N bytes (default 128 KiB)."""

    def answer(self, piece, begin, length):
        self.connection.send(wire.block(piece, begin, bytes(self.argument or 128 * 1024)))


class UnaskedBlocks(Seeder):
    """Never unchokes, but sends N blocks (default 200) that nobody asked for."""

    def became_interested(self):
        length = min(16384, self.metainfo.size_of_piece(0))
        for _ in range(self.argument or 200):
            self.connection.send(wire.block(0, 0, self.block_data(0, 0, length)))


class Duplicates(Seeder):
    """Sends each block N times (default 2) more than it was asked for."""

    def answer(self, piece, begin, length):
        for _ in range(1 + (self.argument or 2)):
            super().answer(piece, begin, length)


class RequestFlood(Seeder):
    """Sends N requests (default 10,000) while it is choked, and never unchokes us."""

    def became_interested(self):
        request = wire.message(wire.REQUEST, struct.pack(">III", 0, 0, min(16384, self.metainfo.size_of_piece(0))))
        for _ in range((self.argument or 10_000) // 100):
            self.connection.send(request * 100)


class RequestOutOfRange(Seeder):
    piece, begin, length = 2**32 - 1, 0, 16384

    def became_interested(self):
        self.connection.send(wire.message(wire.REQUEST, struct.pack(">III", self.piece, self.begin, self.length)))


class RequestOverflow(RequestOutOfRange):
    """begin + length is beyond 2^32."""
    piece, begin = 0, 2**32 - 1


class RequestEmpty(RequestOutOfRange):
    piece, length = 0, 0


class RequestTooLong(RequestOutOfRange):
    """Asks for 128 KiB at once."""
    piece, length = 0, 131072


class ShortRequest(Seeder):
    """A request of four bytes."""

    def became_interested(self):
        self.connection.send(wire.message(wire.REQUEST, bytes(4)))


class LongUnchoke(Seeder):
    """An unchoke that carries a payload of N bytes (default 1)."""

    def became_interested(self):
        self.connection.send(wire.message(wire.UNCHOKE, bytes(self.argument or 1)))


class BrokenExtension(Seeder):
    """An extension handshake (BEP 10) that is no dictionary."""
    reserved = bytes([0, 0, 0, 0, 0, wire.EXTENSION_BIT, 0, wire.FAST_BIT])

    def announce_pieces(self):
        super().announce_pieces()
        self.connection.send(wire.message(wire.EXTENDED, b"\0d1:mi99999999999999999999"))


class OddExtension(Seeder):
    """An extension handshake with absurd values, messages of extensions that nobody offered, and a second handshake
    that changes its mind."""
    reserved = BrokenExtension.reserved

    def announce_pieces(self):
        super().announce_pieces()
        self.connection.send(wire.extension_handshake(
            {"m": {"ut_metadata": -1, "ut_pex": 2**40, "": 3, "x": "y"}, "metadata_size": -1, "reqq": -5,
             "p": 2**63 - 1, "v": b"\xff\x1b[31m" * 40, "yourip": b"12345"}))
        self.connection.send(wire.message(wire.EXTENDED, b"\xc8" + bytes(20)))
        self.connection.send(wire.message(wire.EXTENDED, b"\x01d8:msg_typei1e5:piecei4294967295e10:total_sizei-1ee"))
        self.connection.send(wire.extension_handshake({"m": {}, "metadata_size": 2**31, "reqq": 250}))


BREACHES = {
    "message-first": MessageFirst, "short-bitfield": ShortBitfield, "long-bitfield": LongBitfield,
    "late-bitfield": LateBitfield, "have-all-unasked": HaveAllUnasked,
    "allowed-fast-out-of-range": AllowedFastOutOfRange, "piece-out-of-range": PieceOutOfRange,
    "piece-overflow": PieceOverflow, "piece-empty": PieceEmpty, "piece-too-long": PieceTooLong,
    "unasked-blocks": UnaskedBlocks, "duplicates": Duplicates, "request-flood": RequestFlood,
    "request-out-of-range": RequestOutOfRange, "request-overflow": RequestOverflow, "request-empty": RequestEmpty,
    "request-too-long": RequestTooLong, "short-request": ShortRequest, "long-unchoke": LongUnchoke,
    "broken-extension": BrokenExtension, "odd-extension": OddExtension,
}
