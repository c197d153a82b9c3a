#!/usr/bin/python3
"""Many peers that connect to a client, each from an address of its own below 127.0.0.0/8, and then say nothing more.

Prints "ready ADDRESS PORT" of the client when every handshake was answered, and "open COUNT" whenever the number of
connections that the client keeps has changed. A keep-alive goes out every minute.
"""
import argparse
import resource
import selectors
import socket
import sys
import time

import wire
from lifetime import end_with_starter

# So many handshakes are on their way at a time, fewer than fit into a listener's queue.
AT_A_TIME = 64
KEEP_ALIVE_SECONDS = 60


class Peer:
    """Waits for the answer to its handshake, then takes what comes."""

    def __init__(self, number, target, info_hash, exchanges):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.bind((f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}", 0))
        self.socket.connect_ex(target)
        reserved = bytes(5) + bytes([wire.EXTENSION_BIT, 0, wire.FAST_BIT])
        self.greeting = wire.handshake(info_hash, reserved) + wire.message(wire.HAVE_NONE)
        if exchanges:
            self.greeting += wire.extension_handshake({b"m": {b"ut_pex": 1}, b"p": 6881, b"v": b"idle", b"reqq": 250})
        self.received = 0

    def is_greeted(self):
        return self.received >= wire.HANDSHAKE_LENGTH

    def is_open_after(self, event):
        """Does what the selector found to be possible."""
        try:
            if event & selectors.EVENT_WRITE:
                self.socket.sendall(self.greeting)
            if event & selectors.EVENT_READ:
                data = self.socket.recv(65536)
                self.received += len(data)
                return bool(data)
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", help="ADDRESS:PORT of the client")
    parser.add_argument("info_hash", type=bytes.fromhex)
    parser.add_argument("--count", type=int, default=1000, help="default 1000")
    parser.add_argument("--exchange", action="store_true", help="take part in peer exchange (BEP 11)")
    options = parser.parse_args()
    end_with_starter()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    host, _, port = options.target.rpartition(":")
    target = (host, int(port))
    selector = selectors.DefaultSelector()
    started = greeted = 0
    is_ready, told = False, 0
    next_keep_alive = time.monotonic() + KEEP_ALIVE_SECONDS
    peers = set()
    while True:
        while started < options.count and started - greeted < AT_A_TIME:
            peer = Peer(started, target, options.info_hash, options.exchange)
            selector.register(peer.socket, selectors.EVENT_WRITE, peer)
            peers.add(peer)
            started += 1
        for key, event in selector.select(0.1):
            peer, was_greeted = key.data, key.data.is_greeted()
            if not peer.is_open_after(event):
                if not was_greeted:
                    sys.exit("idle_peers: a connection was refused")
                selector.unregister(peer.socket)
                peer.socket.close()
                peers.remove(peer)
                continue
            if event & selectors.EVENT_WRITE:
                selector.modify(peer.socket, selectors.EVENT_READ, peer)
            greeted += peer.is_greeted() and not was_greeted
        if greeted == options.count and not is_ready:
            is_ready = True
            print("ready", host, port, flush=True)
        if is_ready and len(peers) != told:
            told = len(peers)
            print("open", told, flush=True)
        if time.monotonic() >= next_keep_alive:
            next_keep_alive += KEEP_ALIVE_SECONDS
            for peer in peers:
                peer.socket.send(bytes(4))


if __name__ == "__main__":
    main()
