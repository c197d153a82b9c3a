"""One peer connection of BEP 3 with blocking sockets: frames, messages, requests. Has no opinion on what to send."""
import os
import socket
import struct

import bencode

PROTOCOL = b"\x13BitTorrent protocol"
HANDSHAKE_LENGTH = 68
CHOKE, UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE, BITFIELD, REQUEST, PIECE, CANCEL = range(9)
HAVE_ALL, HAVE_NONE, REJECT, ALLOWED_FAST, EXTENDED = 0x0E, 0x0F, 0x10, 0x11, 0x14
FAST_BIT = 0x04  # in the last reserved byte (BEP 6)
EXTENSION_BIT = 0x10  # in the sixth (BEP 10)


def handshake(info_hash, reserved=bytes(8), protocol=PROTOCOL, peer_id=None):
    return protocol + reserved + info_hash + (peer_id or b"-TT0001-" + os.urandom(6).hex().encode())


def message(kind, payload=b""):
    return struct.pack(">IB", 1 + len(payload), kind) + payload


def have(piece):
    return message(HAVE, struct.pack(">I", piece))


def block(piece, begin, data):
    return message(PIECE, struct.pack(">II", piece, begin) + data)


def extension_handshake(fields):
    return message(EXTENDED, b"\0" + bencode.encode(fields))


def full_bitfield(piece_count):
    bits = (1 << piece_count) - 1 << -piece_count % 8
    return message(BITFIELD, bits.to_bytes((piece_count + 7) // 8, "big"))


class Closed(Exception):
    """The other side closed or reset the connection."""


class Connection:
    """Reads whole messages from a socket. `ending` says, after Closed, whether the other side sent "fin" or "reset".

    After half_close() sending does nothing, so that a behaviour may go on as if nothing had happened.
    """

    def __init__(self, connected):
        self.socket = connected
        self.is_mute = False
        self.buffer = bytearray()
        self.ending = None
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        if self.is_mute:
            return
        try:
            self.socket.sendall(data)
        except OSError as error:
            self.ending = self.ending or "reset"
            raise Closed from error

    def fill(self, count):
        """Waits until `count` bytes are in the buffer."""
        while len(self.buffer) < count:
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                raise
            except OSError as error:
                self.ending = "reset"
                raise Closed from error
            if not data:
                self.ending = "fin"
                raise Closed
            self.buffer += data

    def take(self, count):
        self.fill(count)
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def receive(self):
        """The next message as (kind, payload); a keep-alive is (None, b"")."""
        self.fill(4)
        length = int.from_bytes(self.buffer[:4], "big")
        frame = self.take(4 + length)[4:]
        return (frame[0], frame[1:]) if frame else (None, b"")

    def has_message(self):
        """True if receive() would return without waiting."""
        return len(self.buffer) >= 4 and len(self.buffer) >= 4 + int.from_bytes(self.buffer[:4], "big")

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)
        self.is_mute = True

    def close(self):
        """Closes with FIN: what has arrived is read first, since closing over unread bytes would send a reset."""
        self.half_close()
        self.socket.settimeout(0.2)
        try:
            while self.socket.recv(65536):
                pass
        except OSError:
            pass
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
