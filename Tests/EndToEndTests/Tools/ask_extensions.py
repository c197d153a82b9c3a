#!/usr/bin/python3
"""Connects to a client for a torrent and prints the names of the extensions that it announces (BEP 10), one a line."""
import argparse
import socket
import struct

import bencode
import wire


def receive(connection, count):
    data = bytearray()
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise SystemExit("ask_extensions: the client closed")
        data += part
    return bytes(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="ADDRESS:PORT")
    parser.add_argument("info_hash", help="in hex")
    options = parser.parse_args()
    host, _, port = options.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        reserved = bytes(5) + bytes([wire.EXTENSION_BIT]) + bytes(2)
        connection.sendall(wire.handshake(bytes.fromhex(options.info_hash), reserved))
        receive(connection, wire.HANDSHAKE_LENGTH)
        while True:
            length = struct.unpack(">I", receive(connection, 4))[0]
            body = receive(connection, length)
            if body[:2] == bytes([wire.EXTENDED, 0]):
                break
        fields = bencode.decode(body[2:])
        for name in fields.get(b"m", {}):
            print(name.decode())


if __name__ == "__main__":
    main()
