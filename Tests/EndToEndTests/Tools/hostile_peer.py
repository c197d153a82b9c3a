#!/usr/bin/python3
"""Seeders that each do one thing wrong; with --mode honest, none.

Every --mode is a seeder on a port of its own. Prints "ready ADDRESS PORT..." when they listen, the ports in the order
of the modes. --record FILE gets one JSON object a line: {"ts", "event", "mode", "connection"} with event connected,
handshake, interested, request (piece, begin, length, outstanding, waiting, served), cancel, closed (ending: "fin" or
"reset" by the other side, "ours" by us; seconds since connected; blocks served). `outstanding` is the number of
requests that have arrived and were neither answered nor cancelled: what the other side keeps in flight; those of them
that will be answered are `waiting`.
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

import modes
import wire
from behaviours import IGNORED
from lifetime import end_with_starter
from metainfo import Metainfo


class Record:
    """The JSON lines file, shared by the connections' threads."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8") if path else None
        self.lock = threading.Lock()

    def write(self, mode, connection, event, **fields):
        if self.file:
            with self.lock:
                entry = {"ts": time.time(), "event": event, "mode": mode, "connection": connection, **fields}
                self.file.write(json.dumps(entry) + "\n")
                self.file.flush()


class Peer:
    """Drives one connection: reads what came, keeps the requests in order, lets the behaviour answer."""

    def __init__(self, mode, number, connection, behaviour, record, rate):
        self.mode, self.number, self.connection = mode, number, connection
        self.behaviour, self.record, self.rate = behaviour, record, rate
        self.requests = []
        self.ignored = []
        self.served = 0

    def note(self, event, **fields):
        self.record.write(self.mode, self.number, event, **fields)

    def run(self, we_connected):
        started, ending = time.monotonic(), None
        self.note("connected")
        try:
            self.converse(we_connected)
        except wire.Closed:
            ending = self.connection.ending or "ours"
        except (OSError, ValueError, struct.error) as error:
            ending = f"ours: {error}"
        finally:
            self.note("closed", ending=ending, seconds=round(time.monotonic() - started, 3), served=self.served)
            self.connection.socket.close()

    def converse(self, we_connected):
        info_hash = self.behaviour.metainfo.info_hash
        if we_connected:
            self.behaviour.greet()
        self.connection.fill(len(wire.PROTOCOL))
        if not self.connection.buffer.startswith(wire.PROTOCOL):
            raise ValueError("no plain handshake")
        theirs = self.connection.take(wire.HANDSHAKE_LENGTH)
        self.note("handshake", peer_id=theirs[48:].hex(), known=theirs[28:48] == info_hash)
        if not we_connected:
            self.behaviour.greet()
        self.behaviour.announce_pieces()
        while True:
            self.wait()
            while self.connection.has_message():
                self.handle(*self.connection.receive())
            if self.requests:
                request = self.requests.pop(0)
                if self.behaviour.answer(*request) is IGNORED:
                    self.ignored.append(request)
                else:
                    self.served += 1
                    if self.rate:
                        time.sleep(request[2] / self.rate)

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
            self.note("interested")
            self.behaviour.became_interested()
        elif kind == wire.REQUEST:
            self.take_request(struct.unpack(">III", payload))
        elif kind == wire.CANCEL:
            self.note("cancel")
            cancelled = struct.unpack(">III", payload)
            self.requests = [request for request in self.requests if request != cancelled]
            self.ignored = [request for request in self.ignored if request != cancelled]
        else:
            self.behaviour.received(kind, payload)

    def take_request(self, request):
        piece, begin, length = request
        if request in self.ignored:
            self.ignored.remove(request)  # asked again: it waits once
        outstanding = 1 + len(self.requests) + len(self.ignored)
        self.note("request", piece=piece, begin=begin, length=length, outstanding=outstanding,
                  waiting=1 + len(self.requests), served=self.served)
        limit = getattr(self.behaviour, "queue_limit", None)
        if limit is None or len(self.requests) < limit:
            self.requests.append(request)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("torrent")
    parser.add_argument("directory", help="folder that contains the torrent's file or folder")
    parser.add_argument("--mode", action="append", metavar="NAME[-N]",
                        help=f"repeatable (default honest): {', '.join(modes.MODES)}")
    parser.add_argument("--listen", default="127.0.0.1:0",
                        help="ADDRESS:PORT of the first mode; port 0: any (default 127.0.0.1:0)")
    parser.add_argument("--connect", metavar="ADDRESS:PORT",
                        help="connect there, once with each mode, instead of listening")
    parser.add_argument("--record", help="file to append the events to (JSON lines)")
    parser.add_argument("--rate", type=int, help="bytes of blocks a second, at most, on each connection")
    parser.add_argument("--seed", type=int, default=1, help="for the modes that draw lots")
    options = parser.parse_args()
    end_with_starter()
    metainfo, record = Metainfo(options.torrent, options.directory), Record(options.record)
    try:
        seeders = [MisbehavingSeeder(mode, metainfo, record, options) for mode in options.mode or ["honest"]]
    except LookupError as error:
        sys.exit(f"hostile_peer: no mode '{error.args[0]}' (see --help)")
    if options.connect:
        connect_all(seeders, options.connect)
    else:
        listen_all(seeders, options.listen)


class MisbehavingSeeder:
    """All connections of one mode."""

    def __init__(self, mode, metainfo, record, options):
        self.behaviour, self.argument = modes.find(mode)
        self.mode, self.metainfo, self.record, self.rate = mode, metainfo, record, options.rate
        self.shared = {"seed": options.seed, "asked": set()}

    def serve(self, number, connected, we_connected):
        connection = wire.Connection(connected)
        behaviour = self.behaviour(self.metainfo, connection, self.argument, self.shared)
        Peer(self.mode, number, connection, behaviour, self.record, self.rate).run(we_connected)

    def accept(self, listener):
        for number in itertools.count():
            connected, _ = listener.accept()
            threading.Thread(target=self.serve, args=(number, connected, False), daemon=True).start()


def connect_all(seeders, address):
    host, _, port = address.rpartition(":")
    threads = [threading.Thread(target=seeder.serve, args=(0, socket.create_connection((host, int(port))), True))
               for seeder in seeders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def listen_all(seeders, address):
    host, _, port = address.rpartition(":")
    listeners = [socket.create_server((host, 0 if index else int(port)), backlog=128)
                 for index in range(len(seeders))]
    threads = [threading.Thread(target=seeder.accept, args=(listener,))
               for seeder, listener in zip(seeders, listeners)]
    for thread in threads:
        thread.start()
    print("ready", host, *(listener.getsockname()[1] for listener in listeners), flush=True)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
