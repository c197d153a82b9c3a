#!/usr/bin/python3
"""A seeder that does one thing wrong; with --mode honest, none.

Prints "ready ADDRESS PORT" when it listens. --record FILE gets one JSON object a line: {"ts", "event", "connection"}
with event connected, handshake, interested, request (piece, begin, length, outstanding), cancel, closed
(ending: "fin" or "reset" by the other side, "ours" by us; seconds since connected; blocks served). `outstanding` is the
number of requests that have arrived and were neither answered nor cancelled: what the other side keeps in flight.
"""
import argparse
import itertools
import json
import select
import socket
import struct
import sys
import threading
import time

import behaviours
import wire
from lifetime import end_with_starter
from metainfo import Metainfo


class Record:
    """The JSON lines file, shared by the connections' threads."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8") if path else None
        self.lock = threading.Lock()

    def write(self, connection, event, **fields):
        if self.file:
            with self.lock:
                entry = {"ts": time.time(), "event": event, "connection": connection, **fields}
                self.file.write(json.dumps(entry) + "\n")
                self.file.flush()


class Peer:
    """Drives one connection: reads what came, keeps the requests in order, lets the behaviour answer."""

    def __init__(self, number, connection, behaviour, record):
        self.number, self.connection, self.behaviour, self.record = number, connection, behaviour, record
        self.requests = []
        self.served = 0

    def run(self, we_connected):
        started, ending = time.monotonic(), None
        self.record.write(self.number, "connected")
        try:
            self.converse(we_connected)
        except wire.Closed:
            ending = self.connection.ending or "ours"
        except (OSError, ValueError, struct.error) as error:
            ending = f"ours: {error}"
        finally:
            self.record.write(self.number, "closed", ending=ending, seconds=round(time.monotonic() - started, 3),
                              served=self.served)
            self.connection.socket.close()

    def converse(self, we_connected):
        info_hash = self.behaviour.metainfo.info_hash
        if we_connected:
            self.behaviour.greet()
        self.connection.fill(len(wire.PROTOCOL))
        if not self.connection.buffer.startswith(wire.PROTOCOL):
            raise ValueError("no plain handshake")
        theirs = self.connection.take(wire.HANDSHAKE_LENGTH)
        self.record.write(self.number, "handshake", peer_id=theirs[48:].hex(), known=theirs[28:48] == info_hash)
        if not we_connected:
            self.behaviour.greet()
        self.behaviour.announce_pieces()
        while True:
            self.wait()
            while self.connection.has_message():
                self.handle(*self.connection.receive())
            if self.requests:
                self.behaviour.answer(*self.requests.pop(0))
                self.served += 1

    def wait(self):
        """Takes in what is there; with nothing left to answer, waits for more or until the behaviour is to be idle."""
        readable = self.connection.socket
        while not (self.connection.has_message() or self.requests):
            interval = getattr(self.behaviour, "idle_interval", None)
            if interval is None or select.select([readable], [], [], interval)[0]:
                self.connection.fill(len(self.connection.buffer) + 1)
            else:
                self.behaviour.idle()
        if select.select([readable], [], [], 0)[0]:
            self.connection.fill(len(self.connection.buffer) + 1)

    def handle(self, kind, payload):
        if kind == wire.INTERESTED:
            self.record.write(self.number, "interested")
            self.behaviour.became_interested()
        elif kind == wire.REQUEST:
            self.requests.append(struct.unpack(">III", payload))
            piece, begin, length = self.requests[-1]
            self.record.write(self.number, "request", piece=piece, begin=begin, length=length,
                              outstanding=len(self.requests))
        elif kind == wire.CANCEL:
            self.record.write(self.number, "cancel")
            cancelled = struct.unpack(">III", payload)
            self.requests = [request for request in self.requests if request != cancelled]
        else:
            self.behaviour.received(kind, payload)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("torrent")
    parser.add_argument("directory", help="folder that contains the torrent's file or folder")
    parser.add_argument("--mode", default="honest", metavar="NAME[-N]", help=", ".join(behaviours.BEHAVIOURS))
    parser.add_argument("--listen", default="127.0.0.1:0", help="ADDRESS:PORT; port 0: any (default 127.0.0.1:0)")
    parser.add_argument("--connect", metavar="ADDRESS:PORT", help="connect there instead of listening")
    parser.add_argument("--record", help="file to append the events to (JSON lines)")
    parser.add_argument("--seed", type=int, default=1, help="for the modes that draw lots")
    options = parser.parse_args()
    end_with_starter()
    try:
        behaviour, argument = behaviours.find(options.mode)
    except LookupError:
        sys.exit(f"hostile_peer: no mode '{options.mode}' (see --help)")
    metainfo = Metainfo(options.torrent, options.directory)
    record, shared = Record(options.record), {"seed": options.seed, "asked": set()}

    def serve(number, connected, we_connected):
        connection = wire.Connection(connected)
        Peer(number, connection, behaviour(metainfo, connection, argument, shared), record).run(we_connected)

    if options.connect:
        host, _, port = options.connect.rpartition(":")
        serve(0, socket.create_connection((host, int(port))), True)
        return
    host, _, port = options.listen.rpartition(":")
    listener = socket.create_server((host, int(port)), backlog=128)
    print("ready", *listener.getsockname()[:2], flush=True)
    for number in itertools.count():
        connected, _ = listener.accept()
        threading.Thread(target=serve, args=(number, connected, False), daemon=True).start()


if __name__ == "__main__":
    main()
