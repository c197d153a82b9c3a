#!/usr/bin/python3
"""A small UDP tracker (BEP 15, BEP 41) that writes every request down, one JSON object a line, and can misbehave.

Prints "ready ADDRESS PORT" when it listens. Modes:
  normal      answers what it is asked                       silent      answers nothing
  error       an error to every announce                     full        an error to every connect
  garbage     random bytes to everything                     noise       before each answer all that is none: another
  forget      knows no connection any more after an                      transaction, another action, cut packets, and a
              announce, as if it were restarted                          false answer from another port
  mute        answers one announce, and nothing ever after
Records: {"ts", "action", "from", "connection"}; announces have "info_hash", "peer_id" (hex), "event", "downloaded",
"left", "uploaded", "key", "numwant", "port" and "url" too, scrapes "info_hashes".
"""
import argparse
import ipaddress
import json
import os
import socket
import struct
import time

from lifetime import end_with_starter

EVENTS = ("", "completed", "started", "stopped")
MODES = ("normal", "silent", "error", "full", "garbage", "noise", "forget", "mute")


def host_and_port(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def compact(peers, version):
    return b"".join(ipaddress.ip_address(host).packed + struct.pack(">H", port) for host, port in peers
                    if ipaddress.ip_address(host).version == version)


def url_data(options):
    """The URLData options after the announce (BEP 41)."""
    data = b""
    while len(options) >= 2 and options[0] == 2:
        data += options[2:2 + options[1]]
        options = options[2 + options[1]:]
    return data.decode("latin-1")


class Tracker:
    def __init__(self, options):
        self.options = options
        self.version = ipaddress.ip_address(options.listen[0]).version
        family = socket.AF_INET if self.version == 4 else socket.AF_INET6
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(options.listen)
        self.stranger = socket.socket(family, socket.SOCK_DGRAM)
        self.stranger.bind((options.listen[0], 0))
        self.record = open(options.record, "a", encoding="utf-8") if options.record else None
        self.connections = set()
        self.left_to_drop = options.drop

    def serve(self):
        while True:
            packet, source = self.socket.recvfrom(65536)
            entry = self.read(packet, source)
            if self.record:
                self.record.write(json.dumps(entry) + "\n")
                self.record.flush()
            if self.left_to_drop > 0:
                self.left_to_drop -= 1
            elif self.options.mode == "garbage":
                self.socket.sendto(os.urandom(100), source)
            elif self.options.mode != "silent":
                self.answer(packet, source, entry)

    def read(self, packet, source):
        connection, action, _ = struct.unpack(">QII", packet[:16])
        entry = {"ts": time.time(), "action": ("connect", "announce", "scrape")[action], "from": source[0],
                 "connection": f"{connection:016x}"}
        if action == 1:
            downloaded, left, uploaded, event, _, key, wanted, port = struct.unpack(">QQQIIIiH", packet[56:98])
            entry.update(info_hash=packet[16:36].hex(), peer_id=packet[36:56].hex(), event=EVENTS[event],
                         downloaded=str(downloaded), left=str(left), uploaded=str(uploaded), key=str(key),
                         numwant=str(wanted), port=str(port), url=url_data(packet[98:]))
        if action == 2:
            entry["info_hashes"] = [packet[start:start + 20].hex() for start in range(16, len(packet), 20)]
        return entry

    def answer(self, packet, source, entry):
        transaction = packet[12:16]
        options = self.options
        refused = struct.pack(">I", 3) + transaction + b"the torrent is not known here"
        if entry["action"] == "connect":
            connection = os.urandom(8)
            self.connections.add(connection.hex())
            answer = struct.pack(">I", 0) + transaction + connection
            if options.mode == "full":
                answer = refused
        elif entry["connection"] not in self.connections:
            answer = struct.pack(">I", 3) + transaction + b"Connection ID missmatch."
        elif entry["action"] == "announce":
            answer = struct.pack(">I4sIII", 1, transaction, options.interval, 0, len(options.peer))
            answer += compact(options.peer, self.version)
            if options.mode == "forget":
                self.connections.clear()
            if options.mode == "mute":
                options.mode = "silent"
            if options.mode == "error":
                answer = refused
        else:
            answer = struct.pack(">I", 2) + transaction
            answer += b"".join(struct.pack(">III", 3, 20 + index, 1) for index in range(len(entry["info_hashes"])))
        if options.mode == "noise":
            self.make_noise(answer, transaction, source)
        self.socket.sendto(answer, source)

    def make_noise(self, answer, transaction, source):
        action = answer[:4]
        other = struct.pack(">I", struct.unpack(">I", transaction)[0] ^ 1)
        evil = compact([("127.66.66.66", 6666), ("::6666", 6666)], self.version)
        lie = struct.pack(">I4sIII", 1, transaction, 1800, 0, 1) + evil
        for noise in (b"", b"\0", answer[:7], answer[:15], action + other + answer[8:], lie.replace(transaction, other),
                      struct.pack(">I", 7) + transaction + answer[8:], struct.pack(">I", 3) + other + b"go away"):
            self.socket.sendto(noise, source)
        self.stranger.sendto(answer if action == b"\0\0\0\0" else lie, source)
        self.stranger.sendto(struct.pack(">I", 3) + transaction + b"go away", source)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", type=host_and_port, default=("127.0.0.1", 0), help="ADDRESS:PORT; port 0: any")
    parser.add_argument("--mode", choices=MODES, default="normal")
    parser.add_argument("--record", help="file to append the requests to (JSON lines)")
    parser.add_argument("--peer", type=host_and_port, action="append", default=[], help="ADDRESS:PORT; repeatable")
    parser.add_argument("--interval", type=int, default=1800, help="seconds (default 1800)")
    parser.add_argument("--drop", type=int, default=0, help="packets that get lost at first")
    options = parser.parse_args()
    end_with_starter()
    tracker = Tracker(options)
    host, port = tracker.socket.getsockname()[:2]
    print("ready", f"[{host}]" if ":" in host else host, port, flush=True)
    tracker.serve()


if __name__ == "__main__":
    main()
