#!/usr/bin/python3
"""Makes a .torrent (version 1) of a file or folder and prints its info-hash in hex. Needs no library."""
import argparse
import hashlib
import os
import pathlib

import bencode
from payload import parse_size


def list_files(path):
    """[(path, components below the root)], sorted by name."""
    if path.is_file():
        return [(path, None)]
    found = sorted(item for item in path.rglob("*") if item.is_file())
    return [(item, list(item.relative_to(path).parts)) for item in found]


def file_entries(files, piece_length, pads):
    """Yields (path or None for a pad file, entry of `files`); with `pads` each file starts on a piece (BEP 47)."""
    offset = 0
    for number, (path, components) in enumerate(files):
        length = os.path.getsize(path)
        yield path, {"length": length, "path": components}
        offset += length
        gap = -offset % piece_length
        if pads and gap and number < len(files) - 1:
            yield None, {"length": gap, "path": [".pad", str(gap)], "attr": "p"}
            offset += gap


def hash_pieces(entries, piece_length):
    """The concatenated SHA-1 digests of the pieces of all entries, one after the other."""
    digests, piece = [], bytearray()
    for path, entry in entries:
        left = entry["length"]
        file = open(path, "rb") if path else None
        while left:
            count = min(left, piece_length - len(piece))
            piece += file.read(count) if file else bytes(count)
            left -= count
            if len(piece) == piece_length:
                digests.append(hashlib.sha1(piece).digest())
                piece.clear()
        if file:
            file.close()
    if piece:
        digests.append(hashlib.sha1(piece).digest())
    return b"".join(digests)


def make_info(path, piece_length, private=False, pads=False):
    """Returns the info dictionary."""
    files = list_files(path)
    entries = list(file_entries(files, piece_length, pads))
    info = {"name": path.name, "piece length": piece_length, "pieces": hash_pieces(entries, piece_length)}
    if files[0][1] is None:
        info["length"] = entries[0][1]["length"]
    else:
        info["files"] = [entry for _, entry in entries]
    if private:
        info["private"] = 1
    return info


def cut(info, count):
    """The same bytes as `count` files of nearly the same length, 1,000 to a folder; their pieces stay as they are."""
    length, entries, start = info.pop("length"), [], 0
    for number in range(count):
        end = length * (number + 1) // count
        entries.append({"length": end - start, "path": [f"{number // 1000:03}", f"{number:06}"]})
        start = end
    info["files"] = entries


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--piece-length", type=parse_size, default=parse_size("256K"), help="bytes (K, M); any number")
    parser.add_argument("--tracker", action="append", default=[], help="repeatable; each is a tier of its own (BEP 12)")
    parser.add_argument("--web-seed", action="append", default=[], help="url-list (BEP 19); repeatable")
    parser.add_argument("--private", action="store_true")
    parser.add_argument("--pad", action="store_true", help="pad files between the files (BEP 47)")
    parser.add_argument("--cut", type=int, metavar="COUNT", help="make of one file's bytes a torrent of so many files")
    options = parser.parse_args()
    info = make_info(options.path, options.piece_length, options.private, options.pad)
    if options.cut:
        cut(info, options.cut)
    metainfo = {"info": info, "created by": "swarmkeeper test tools"}
    if options.tracker:
        metainfo["announce"] = options.tracker[0]
        metainfo["announce-list"] = [[url] for url in options.tracker]
    if options.web_seed:
        metainfo["url-list"] = options.web_seed
    options.output.write_bytes(bencode.encode(metainfo))
    print(hashlib.sha1(bencode.encode(info)).hexdigest())


if __name__ == "__main__":
    main()
