#!/usr/bin/python3
"""Seeds a torrent with libtorrent (Debian's python3-libtorrent) until its starter is gone.

Prints "ready ADDRESS PORT" when the payload is checked and the port is open. Announces only to the torrent's trackers.
"""
import argparse
import sys
import time

import libtorrent

from lifetime import end_with_starter

ENCRYPTION = {"off": libtorrent.enc_policy.disabled, "on": libtorrent.enc_policy.enabled}


def open_session(address, port, encryption, lsd):
    return libtorrent.session({
        "listen_interfaces": f"{address}:{port}",
        "enable_dht": False, "enable_lsd": lsd, "enable_upnp": False, "enable_natpmp": False,
        "allow_multiple_connections_per_ip": True,
        # We speak TCP, which it would try only after some seconds without an answer.
        "enable_outgoing_utp": False, "enable_incoming_utp": False,
        "in_enc_policy": int(ENCRYPTION[encryption]), "out_enc_policy": int(ENCRYPTION[encryption]),
        "close_redundant_connections": False,
        "unchoke_slots_limit": 500,
        "alert_mask": libtorrent.alert.category_t.error_notification | libtorrent.alert.category_t.status_notification,
    })


def connected(torrent):
    """Addresses of the peers whose handshakes are done."""
    early = libtorrent.peer_info.connecting | libtorrent.peer_info.handshake
    return [peer.ip for peer in torrent.get_peer_info() if not peer.flags & early]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("torrent")
    parser.add_argument("directory", help="folder that contains the torrent's file or folder")
    parser.add_argument("--listen", default="127.0.0.1:0", help="ADDRESS:PORT; port 0: any (default 127.0.0.1:0)")
    parser.add_argument("--upload-limit", type=int, default=0, help="bytes/s; 0: none")
    parser.add_argument("--encryption", choices=ENCRYPTION, default="on", help="whether MSE is accepted (default on)")
    parser.add_argument("--no-tracker", action="store_true", help="announce nowhere")
    parser.add_argument("--lsd", action="store_true", help="announce on the local network")
    parser.add_argument("--peer", action="append", default=[], help="ADDRESS:PORT to be connected to first")
    options = parser.parse_args()
    end_with_starter()

    address, _, port = options.listen.rpartition(":")
    session = open_session(address, port, options.encryption, options.lsd)
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(options.torrent)
    parameters.save_path = options.directory
    parameters.upload_limit = options.upload_limit
    parameters.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
    torrent = session.add_torrent(parameters)
    if options.no_tracker:
        torrent.replace_trackers([])
    while not (torrent.status().is_seeding and session.is_listening()):
        status = torrent.status()
        if status.errc.value():
            sys.exit(f"seed_libtorrent: {status.errc.message()}")
        if status.state in (libtorrent.torrent_status.downloading, libtorrent.torrent_status.finished):
            sys.exit(f"seed_libtorrent: {options.directory} does not hold the whole torrent")
        time.sleep(0.05)
    for peer in options.peer:
        host, _, number = peer.rpartition(":")
        torrent.connect_peer((host, int(number)))
    while len(connected(torrent)) < len(options.peer):
        time.sleep(0.05)
    print(f"ready {address} {session.listen_port()}", flush=True)
    while True:
        session.wait_for_alert(1000)
        session.pop_alerts()


if __name__ == "__main__":
    main()
