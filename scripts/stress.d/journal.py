"""Reads which pieces a resume journal claims, by its documented layout (docs/journal in the sources: JournalWriter)."""
import struct

MAGIC = b"SKJ\x01"
HEADER_LENGTH = 44
PIECES_SYNCED, SYNCED_MAP, PIECES_LOST = 1, 2, 6


def crc32c(data, table=[]):
    """Castagnoli, reflected (RFC 3720)."""
    if not table:
        for byte in range(256):
            for _ in range(8):
                byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
            table.append(byte)
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def claimed_pieces(path):
    """The set of pieces that the journal says are synced; nothing behind its first unsound record counts.

    Returns (pieces, whether the end is torn); ValueError when it is no journal."""
    with open(path, "rb") as file:
        content = file.read()
    if content[:4] != MAGIC or crc32c(content[:HEADER_LENGTH - 4]) != struct.unpack_from("<I", content, 40)[0]:
        raise ValueError(f"{path}: no journal")
    claimed, offset = set(), HEADER_LENGTH
    while offset < len(content):
        if len(content) - offset < 8:
            return claimed, True
        length, checksum = struct.unpack_from("<II", content, offset)
        body = content[offset + 8:offset + 8 + length]
        if len(body) < length or crc32c(content[offset:offset + 4] + body) != checksum:
            return claimed, True
        kind, fields = body[0], body[1:]
        if kind in (PIECES_SYNCED, PIECES_LOST):
            pieces = {number for number, in struct.iter_unpack("<I", fields)}
            claimed = claimed | pieces if kind == PIECES_SYNCED else claimed - pieces
        elif kind == SYNCED_MAP:
            claimed |= {8 * index + bit for index, byte in enumerate(fields) for bit in range(8)
                        if byte & 0x80 >> bit}
        offset += 8 + length
    return claimed, False
