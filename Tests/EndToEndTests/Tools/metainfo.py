"""What the tools need from a .torrent of version 1: info-hash, piece arithmetic, and the bytes of a piece on disk."""
import hashlib
import os

import bencode


class Metainfo:
    """A parsed .torrent, and the payload below a folder that belongs to it."""

    def __init__(self, torrent_path, payload_dir):
        with open(torrent_path, "rb") as file:
            info = bencode.decode(file.read())[b"info"]
        self.info_hash = hashlib.sha1(bencode.encode(info)).digest()
        self.piece_length = info[b"piece length"]
        self.piece_count = len(info[b"pieces"]) // 20
        root = os.path.join(os.fsencode(payload_dir), info[b"name"])
        if b"files" in info:
            self.files = [(os.path.join(root, *entry[b"path"]), entry[b"length"], b"p" in entry.get(b"attr", b""))
                          for entry in info[b"files"]]
        else:
            self.files = [(root, info[b"length"], False)]
        self.total_length = sum(length for _, length, _ in self.files)

    def size_of_piece(self, piece):
        return min(self.piece_length, self.total_length - piece * self.piece_length)

    def read(self, piece, begin, length):
        """The bytes of one block; pad files read as zeros (BEP 47)."""
        start, parts = piece * self.piece_length + begin, []
        for path, size, is_pad in self.files:
            if length and start < size:
                count = min(length, size - start)
                if is_pad:
                    parts.append(bytes(count))
                else:
                    with open(path, "rb") as file:
                        parts.append(os.pread(file.fileno(), count, start))
                length -= count
                start = 0
            else:
                start -= min(start, size)
        return b"".join(parts)
