#!/usr/bin/python3
"""A small HTTP or HTTPS tracker that writes every announce down, one JSON object a line, and can misbehave.

Prints "ready ADDRESS PORT" when it listens. An announce to /MODE/announce has a mode of its own. Modes:
  normal      compact peers (BEP 23, and peers6 of BEP 7)      dictionary  the list of dictionaries of BEP 3
  slow        as normal, after --delay seconds                 silent      takes the request, never answers
  refuse      resets every connection                          garbage     200 and bytes that are no bencoding
  failure     200 and a failure reason                         warning     as normal, with a warning message
  error       status 500                                       redirect    to itself, for ever
  endless     a body that never ends                           odd         a compact list of 7 bytes
  drip        a byte of the answer every second                huge        2 MiB of a sound answer
  cut         less than its Content-Length                     chunks      a chunk whose size is no number of 64 bits
  bomb        16 MiB that gzip makes small                     deep        lists in lists in lists
  types       values of the wrong types                        close       takes the request and hangs up
  to-file, to-ftp, to-unix   redirects to another scheme
  flood       10,000 peers: port 0, 0.0.0.0, multicast, duplicates and addresses of no one
  own         the announcer's own address, many times, and --peer
Records: {"ts", "path", "info_hash" (hex), "peer_id" (hex), "event", and the other parameters as they came}.
"""
import argparse
import gzip
import http.server
import ipaddress
import json
import socket
import ssl
import struct
import threading
import time
import urllib.parse

import bencode
from lifetime import end_with_starter

MODES = ("normal", "dictionary", "slow", "silent", "refuse", "garbage", "failure", "warning", "error", "redirect",
         "endless", "odd", "drip", "huge", "cut", "chunks", "bomb", "deep", "types", "close", "to-file", "to-ftp",
         "to-unix", "flood", "own")
ELSEWHERE = {"to-file": "file:///etc/hostname", "to-ftp": "ftp://127.0.0.1:1/announce",
             "to-unix": "unix:///var/run/docker.sock/announce"}


def compact(peers, version):
    """The peers of this IP version as BEP 23 and BEP 7 pack them."""
    return b"".join(ipaddress.ip_address(host).packed + struct.pack(">H", port) for host, port in peers
                    if ipaddress.ip_address(host).version == version)


def flood_peers():
    """Ten thousand addresses, none of them worth a connection: where loopback addresses are, nobody is at port 1."""
    odd = [("127.0.0.1", 0), ("0.0.0.0", 6881), ("224.0.0.1", 6881), ("255.255.255.255", 6881)]
    return odd + [(f"127.200.{index // 200 % 40}.{1 + index % 200}", 1) for index in range(10_000 - len(odd))]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one announce as the mode says. `options`, `record` and `known` are set by main."""
    protocol_version = "HTTP/1.0"
    options = None
    record = None
    known = {}
    lock = threading.Lock()

    def log_message(self, *_):
        """Nothing on stderr: the record is the log."""

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        fields = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True, encoding="latin-1"))
        for name in ("info_hash", "peer_id"):
            if name in fields:
                fields[name] = fields[name].encode("latin-1").hex()
        self.note({"ts": time.time(), "path": url.path, **fields})
        mode = self.mode = self.mode_of(url.path)
        if mode == "refuse":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()  # no FIN first, so that it is a reset
        elif mode == "silent":
            self.connection.recv(1)
        elif mode == "error":
            self.send_error(500)
        elif mode == "redirect":
            self.answer(b"", 302, ("Location", self.path))
        elif mode == "garbage":
            self.answer(bytes(range(256)))
        elif mode == "endless":
            self.answer_without_end()
        elif mode == "drip":
            self.answer_slowly(bencode.encode(self.reply(fields)))
        elif mode == "cut":
            self.answer(bencode.encode(self.reply(fields)), 200, ("Content-Length", "100000"))
        elif mode == "chunks":
            self.answer_in_bad_chunks()
        elif mode == "bomb":
            self.answer(gzip.compress(bytes(16 << 20)), 200, ("Content-Encoding", "gzip"))
        elif mode == "deep":
            self.answer(b"d5:peers" + b"l" * 200_000 + b"e" * 200_000 + b"e")
        elif mode == "types":
            self.answer(bencode.encode({"interval": "soon", "min interval": [], "peers": 7, "complete": b"x",
                                        "tracker id": {}, "warning message": 1}))
        elif mode == "close":
            self.close_connection = True
        elif mode in ELSEWHERE:
            self.answer(b"", 302, ("Location", ELSEWHERE[mode]))
        else:
            if mode == "slow":
                time.sleep(self.options.delay)
            self.answer(bencode.encode(self.reply(fields)))

    def mode_of(self, path):
        words = path.split("/")
        return words[1] if len(words) > 2 and words[1] in MODES else self.options.mode

    def note(self, entry):
        if self.record:
            with self.lock:
                self.record.write(json.dumps(entry) + "\n")
                self.record.flush()

    def answer(self, body, status=200, *headers):
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", "Content-Length": str(len(body)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer_slowly(self, body):
        self.answer(b"", 200, ("Content-Length", str(len(body))))
        try:
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(1)
        except OSError:
            pass

    def answer_in_bad_chunks(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nd5:peers")

    def answer_without_end(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"d8:intervali1800e5:peers" + b"9" * 65536)
        except OSError:
            pass

    def reply(self, fields):
        options = self.options
        if self.mode == "failure":
            return {"failure reason": "the torrent is not known here"}
        if self.path.split("?")[0].endswith("/scrape"):
            if options.scrapes_fail:
                return {"failure reason": "no scrapes here"}
            counts = {"complete": 7, "downloaded": 40, "incomplete": 8}
            return {"files": {bytes.fromhex(fields["info_hash"]): counts}}
        reply = {"interval": options.interval}
        if not options.no_counts:
            reply.update(complete=len(options.peer), incomplete=0)
        if options.min_interval:
            reply["min interval"] = options.min_interval
        if options.tracker_id:
            reply["tracker id"] = options.tracker_id
        if options.external_ip:
            reply["external ip"] = ipaddress.ip_address(options.external_ip).packed
        if self.mode == "warning":
            reply["warning message"] = "this tracker closes soon"
        peers = list(options.peer)
        if options.remember:
            peers += self.announcers(fields)
        if self.mode == "flood":
            peers += flood_peers()
        if self.mode == "huge":
            reply["padding"] = bytes(2 << 20)
        if self.mode == "own":
            peers += [(self.client_address[0], int(fields["port"]))] * 50
        if self.mode == "dictionary":
            reply["peers"] = [{"peer id": bytes(20), "ip": host, "port": port} for host, port in peers]
        elif self.mode == "odd":
            reply["peers"] = compact(peers, 4)[:6] + b"\x01"
        else:
            reply["peers"] = compact(peers, 4)
            if six := compact(peers, 6):
                reply["peers6"] = six
        return reply

    def announcers(self, fields):
        """Everyone else who announced this info-hash and has not said `stopped`."""
        with self.lock:
            swarm = self.known.setdefault(fields.get("info_hash"), {})
            own = fields.get("peer_id")
            if fields.get("event") == "stopped":
                swarm.pop(own, None)
            elif fields.get("port", "").isdigit():
                swarm[own] = (self.client_address[0], int(fields["port"]))
            return [address for peer_id, address in swarm.items() if peer_id != own]


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that goes away is no event worth a traceback."""


def host_and_port(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", type=host_and_port, default=("127.0.0.1", 0), help="ADDRESS:PORT; port 0: any")
    parser.add_argument("--mode", choices=MODES, default="normal")
    parser.add_argument("--record", help="file to append the announces to (JSON lines)")
    parser.add_argument("--peer", type=host_and_port, action="append", default=[], help="ADDRESS:PORT; repeatable")
    parser.add_argument("--remember", action="store_true", help="give announcers to each other")
    parser.add_argument("--interval", type=int, default=1800, help="seconds (default 1800)")
    parser.add_argument("--min-interval", type=int, default=0, help="seconds; 0: not in the reply")
    parser.add_argument("--tracker-id", default="")
    parser.add_argument("--scrapes-fail", action="store_true", help="refuse scrapes")
    parser.add_argument("--no-counts", action="store_true", help="leave the size of the swarm to scrapes (BEP 48)")
    parser.add_argument("--external-ip", help="what the announcer is told of its own address (BEP 24)")
    parser.add_argument("--delay", type=float, default=30, help="seconds, for mode slow (default 30)")
    parser.add_argument("--certificate", help="PEM file; makes it an https tracker")
    parser.add_argument("--key", help="PEM file of the certificate's key")
    options = parser.parse_args()
    end_with_starter()
    Handler.options = options
    Handler.record = open(options.record, "a", encoding="utf-8") if options.record else None
    server = Server(options.listen, Handler)
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print("ready", *server.server_address[:2], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
