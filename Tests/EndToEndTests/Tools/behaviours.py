"""What a peer does wrong, one class a subject. Everything a class does not override is an honest seeder.

Endings, delays and wrong data are here, what the protocol forbids is in breaches.py, the names of all in modes.py.
"""
import random
import struct
import time

import wire


IGNORED = object()  # what `answer` returns for a request that it leaves without an answer


class Seeder:
    """Has everything, unchokes who is interested, answers requests in order."""
    reserved = bytes([0, 0, 0, 0, 0, 0, 0, wire.FAST_BIT])

    def __init__(self, metainfo, connection, argument, shared):
        self.metainfo, self.connection, self.argument, self.shared = metainfo, connection, argument, shared
        self.random = random.Random(shared["seed"])

    def greet(self):
        """Answers the other side's handshake, which is already read."""
        self.connection.send(wire.handshake(self.metainfo.info_hash, self.reserved))

    def announce_pieces(self):
        self.connection.send(wire.full_bitfield(self.metainfo.piece_count))

    def became_interested(self):
        self.connection.send(wire.message(wire.UNCHOKE))

    def block_data(self, piece, begin, length):
        return self.metainfo.read(piece, begin, length)

    def answer(self, piece, begin, length):
        """Returns IGNORED if the request gets no answer."""
        self.connection.send(wire.block(piece, begin, self.block_data(piece, begin, length)))

    def received(self, kind, payload):
        """Any other message; an honest seeder needs none of them."""


class HandshakeCut(Seeder):
    """Sends N bytes of its handshake, then ends its side: by FIN, by half-closing, or by reset."""
    ending = "fin"

    def greet(self):
        whole = wire.handshake(self.metainfo.info_hash, self.reserved)
        self.connection.send(whole[:self.argument or 0])
        end(self.connection, self.ending)


class HandshakeHalfClosed(HandshakeCut):
    ending = "half-close"


class HandshakeReset(HandshakeCut):
    ending = "reset"


def end(connection, how):
    """Ends our side of the connection. After half-close the other side may go on talking, and is read."""
    if how == "half-close":
        connection.half_close()
        return
    if how == "reset":
        connection.reset()
    else:
        connection.close()
    raise wire.Closed


class Mute(Seeder):
    """Takes the connection and never says a word."""

    def greet(self):
        """Stays silent."""

    def announce_pieces(self):
        """Stays silent."""


class HandshakeSlow(Seeder):
    """Sends the handshake one byte at a time, 10 ms apart."""

    def greet(self):
        for byte in wire.handshake(self.metainfo.info_hash, self.reserved):
            self.connection.send(bytes([byte]))
            time.sleep(0.01)


class WrongProtocol(Seeder):
    def greet(self):
        self.connection.send(wire.handshake(self.metainfo.info_hash, protocol=b"\x13BitTorrent protocoL"))


class WrongInfoHash(Seeder):
    def greet(self):
        self.connection.send(wire.handshake(bytes(20)))


class SecondHandshake(Seeder):
    def announce_pieces(self):
        super().announce_pieces()
        super().greet()


class HalfClose(Seeder):
    """Offers everything, then half-closes instead of unchoking; goes on reading."""

    def became_interested(self):
        end(self.connection, "half-close")


class EndInLength(Seeder):
    """Ends after N bytes (default 2) of the frame of the first block it owes: inside the length prefix for 1...3,
    inside the message header up to 12, inside the payload beyond. By FIN, by half-closing, or by reset."""
    default_cut = 2
    ending = "fin"

    def answer(self, piece, begin, length):
        cut = self.default_cut if self.argument is None else self.argument
        self.connection.send(wire.block(piece, begin, self.block_data(piece, begin, length))[:cut])
        end(self.connection, self.ending)


class HalfCloseInFrame(EndInLength):
    ending = "half-close"


class ResetInFrame(EndInLength):
    ending = "reset"


class EndInHeader(EndInLength):
    default_cut = 9


class EndInPayload(EndInLength):
    default_cut = 5000


class NeverUnchoke(Seeder):
    def became_interested(self):
        """Stays silent."""


class NeverAnswer(Seeder):
    """Unchokes, takes requests, sends nothing."""

    def answer(self, piece, begin, length):
        return IGNORED


class KeepAlivesOnly(Seeder):
    """Never unchokes, and sends a keep-alive every N milliseconds (default 100)."""

    def became_interested(self):
        """Stays as it is."""

    def idle(self):
        self.connection.send(bytes(4))

    @property
    def idle_interval(self):
        return (self.argument or 100) / 1000


class SmallQueue(Seeder):
    """Says that it queues N requests (default 10) and forgets every further one (BEP 10, reqq)."""
    reserved = bytes([0, 0, 0, 0, 0, wire.EXTENSION_BIT, 0, wire.FAST_BIT])

    @property
    def queue_limit(self):
        return self.argument or 10

    def announce_pieces(self):
        super().announce_pieces()
        self.connection.send(wire.extension_handshake({"m": {}, "reqq": self.queue_limit}))


class Slowloris(Seeder):
    """Answers one byte every N seconds (default 1)."""

    def answer(self, piece, begin, length):
        for byte in wire.block(piece, begin, self.block_data(piece, begin, length)):
            self.connection.send(bytes([byte]))
            time.sleep(self.argument or 1)


class SplitBytes(Seeder):
    """Sends every frame in pieces of N bytes (default 1), each in a segment of its own."""

    def answer(self, piece, begin, length):
        frame = wire.block(piece, begin, self.block_data(piece, begin, length))
        step = self.argument or 1
        for start in range(0, len(frame), step):
            self.connection.send(frame[start:start + step])


class CorruptBlock(Seeder):
    """One wrong byte in each block; with N, in one block of N."""

    def block_data(self, piece, begin, length):
        data = super().block_data(piece, begin, length)
        if self.random.randrange(self.argument or 1) == 0:
            at = self.random.randrange(length)
            data = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1:]
        return data


class DropFirstBlock(Seeder):
    """Never answers the first request for the first block of a piece, whoever asks; answers the second."""

    def answer(self, piece, begin, length):
        if begin == 0 and piece not in self.shared["asked"]:
            self.shared["asked"].add(piece)
            return IGNORED
        return super().answer(piece, begin, length)


class DropSome(Seeder):
    """Leaves N percent (default 5) of the requests without an answer."""

    def answer(self, piece, begin, length):
        if self.random.randrange(100) < (5 if self.argument is None else self.argument):
            return IGNORED
        return super().answer(piece, begin, length)


class KeepAliveFlood(Seeder):
    """N keep-alives (default 1,000) before the first block, cut at every offset, and one before each other block."""
    flooded = False

    def answer(self, piece, begin, length):
        keep_alives = bytes(4) * (1 if self.flooded else self.argument or 1000)
        self.flooded = True
        data = keep_alives + wire.block(piece, begin, self.block_data(piece, begin, length))
        cut = 0
        for step in range(1, 40):
            self.connection.send(data[cut:cut + step])
            cut += step
        self.connection.send(data[cut:])


class OversizeLength(Seeder):
    """Instead of the first block, a length prefix of N (default 2^32-1) and bytes without end."""

    def answer(self, piece, begin, length):
        self.connection.send(struct.pack(">IB", self.argument or 0xFFFFFFFF, wire.PIECE))
        while True:
            self.connection.send(bytes(65536))


class StartEmptyThenHave(Seeder):
    """Starts with nothing (no bitfield), then gains a piece every N milliseconds (default 20)."""
    gained = 0

    def announce_pieces(self):
        """A peer that has nothing may leave the bitfield out (BEP 3)."""

    def idle(self):
        if self.gained < self.metainfo.piece_count:
            self.connection.send(wire.have(self.gained))
            self.gained += 1

    @property
    def idle_interval(self):
        return (self.argument or 20) / 1000 if self.gained < self.metainfo.piece_count else None


class UnknownIds(Seeder):
    """Every id that no one defined, with 0...N bytes (default 64), before the bitfield's unchoke and between blocks."""
    known = {*range(10), 13, 14, 15, 16, 17, 20, 21, 22, 23}

    def noise(self):
        for kind in range(256):
            if kind not in self.known:
                self.connection.send(wire.message(kind, bytes(self.random.randrange((self.argument or 64) + 1))))

    def became_interested(self):
        self.noise()
        super().became_interested()

    def answer(self, piece, begin, length):
        if begin == 0:
            self.noise()
        super().answer(piece, begin, length)


class Unrequested(Seeder):
    """Sends each block twice, and before it one that nobody asked for."""

    def answer(self, piece, begin, length):
        self.connection.send(wire.block(piece, begin + 1, bytes(length)))
        super().answer(piece, begin, length)
        super().answer(piece, begin, length)


class OutOfRange(Seeder):
    """A HAVE beyond the last piece."""

    def became_interested(self):
        self.connection.send(wire.have(self.metainfo.piece_count))
        super().became_interested()


class SpareBits(Seeder):
    """A bitfield with the spare bits set; one byte too long if there are none."""

    def announce_pieces(self):
        size = (self.metainfo.piece_count + 7) // 8 + (self.metainfo.piece_count % 8 == 0)
        self.connection.send(wire.message(wire.BITFIELD, b"\xff" * size))


class SecondBitfield(Seeder):
    def announce_pieces(self):
        super().announce_pieces()
        super().announce_pieces()


class ChokeFlap(Seeder):
    """Chokes and unchokes after every N blocks (default 4), forgetting the requests that wait (BEP 3)."""
    served = 0

    def answer(self, piece, begin, length):
        super().answer(piece, begin, length)
        self.served += 1
        if self.served % (self.argument or 4) == 0:
            self.connection.send(wire.message(wire.CHOKE))
            while self.connection.has_message():
                self.connection.receive()
            self.connection.send(wire.message(wire.UNCHOKE))


class RejectAll(Seeder):
    """Rejects every request (BEP 6)."""

    def answer(self, piece, begin, length):
        self.connection.send(wire.message(wire.REJECT, struct.pack(">III", piece, begin, length)))


class CloseMidPiece(Seeder):
    """Closes after N blocks (default 3)."""
    served = 0

    def answer(self, piece, begin, length):
        super().answer(piece, begin, length)
        self.served += 1
        if self.served >= (self.argument or 3):
            end(self.connection, "fin")


class CorruptThenClose(CloseMidPiece):
    """Closes after N blocks (default 3), all of them wrong."""

    def block_data(self, piece, begin, length):
        return bytes(byte ^ 0xFF for byte in super().block_data(piece, begin, length))


class Garbage(Seeder):
    """Random bytes without end after the handshake."""

    def announce_pieces(self):
        while True:
            self.connection.send(self.random.randbytes(1000))


class CloseAtOnce(Seeder):
    """Closes as soon as it is connected."""

    def greet(self):
        end(self.connection, "fin")


BEHAVIOURS = {
    "honest": Seeder,
    "eof-handshake": HandshakeCut, "half-close-handshake": HandshakeHalfClosed, "reset-handshake": HandshakeReset,
    "mute": Mute, "slow-handshake": HandshakeSlow, "wrong-protocol": WrongProtocol, "wrong-info-hash": WrongInfoHash,
    "second-handshake": SecondHandshake, "close-at-once": CloseAtOnce,
    "half-close": HalfClose, "eof-length": EndInLength, "eof-header": EndInHeader, "eof-payload": EndInPayload,
    "half-close-frame": HalfCloseInFrame, "reset-frame": ResetInFrame, "close-mid-piece": CloseMidPiece,
    "keep-alives-only": KeepAlivesOnly, "small-queue": SmallQueue, "never-unchoke": NeverUnchoke,
    "never-answer": NeverAnswer, "slowloris": Slowloris, "split-bytes": SplitBytes,
    "corrupt-block": CorruptBlock, "corrupt-then-close": CorruptThenClose,
    "drop-first-block": DropFirstBlock, "drop-some": DropSome,
    "keepalive-flood": KeepAliveFlood, "oversize-length": OversizeLength,
    "start-empty-then-have": StartEmptyThenHave, "unknown-ids": UnknownIds, "unrequested": Unrequested,
    "out-of-range": OutOfRange, "spare-bits": SpareBits, "second-bitfield": SecondBitfield,
    "choke-flap": ChokeFlap, "reject-all": RejectAll, "garbage": Garbage,
}
