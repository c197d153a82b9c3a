#!/usr/bin/python3
"""A libtorrent client that has nothing of a torrent and asks no tracker: connects to --peer, and prints a line
"met ADDRESS PORT" for every peer that it is connected to, once, after "ready ADDRESS PORT"."""
import argparse

import libtorrent

from lifetime import end_with_starter
from seed_libtorrent import connected, open_session


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("torrent")
    parser.add_argument("directory", help="where its files may go")
    parser.add_argument("--listen", default="127.0.0.1:0", help="ADDRESS:PORT; port 0: any (default 127.0.0.1:0)")
    parser.add_argument("--peer", action="append", default=[], help="ADDRESS:PORT to connect to")
    options = parser.parse_args()
    end_with_starter()

    address, _, port = options.listen.rpartition(":")
    session = open_session(address, port, "off", False)
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(options.torrent)
    parameters.save_path = options.directory
    # Slow enough to take its time, fast enough that no message waits long behind a block.
    parameters.download_limit = 500_000
    parameters.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
    torrent = session.add_torrent(parameters)
    torrent.replace_trackers([])
    while not session.is_listening():
        session.wait_for_alert(100)
        session.pop_alerts()
    print(f"ready {address} {session.listen_port()}", flush=True)
    for peer in options.peer:
        host, _, number = peer.rpartition(":")
        torrent.connect_peer((host, int(number)))
    met = set()
    while True:
        session.wait_for_alert(100)
        session.pop_alerts()
        for address in connected(torrent):
            if address not in met:
                met.add(address)
                print("met", *address, flush=True)


if __name__ == "__main__":
    main()
