#!/usr/bin/python3
"""Downloads a torrent with libtorrent from the given peers, then exits: one of the clients that scripts/bench compares.

Settings are libtorrent's own, less encryption, uTP (it would be tried first, in vain) and what looks for other peers.
Ends when the torrent is complete and its cache is flushed.
"""
import argparse
import sys
import time

import libtorrent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("torrent")
    parser.add_argument("directory")
    parser.add_argument("--peer", action="append", default=[], help="ADDRESS:PORT; repeatable")
    parser.add_argument("--listen", default="0.0.0.0:0")
    parser.add_argument("--deadline", type=float, default=300, help="seconds")
    options = parser.parse_args()

    session = libtorrent.session({
        "listen_interfaces": options.listen,
        "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
        "enable_outgoing_utp": False, "enable_incoming_utp": False,
        "in_enc_policy": int(libtorrent.enc_policy.disabled), "out_enc_policy": int(libtorrent.enc_policy.disabled),
        "alert_mask": libtorrent.alert.category_t.status_notification | libtorrent.alert.category_t.storage_notification
        | libtorrent.alert.category_t.error_notification,
    })
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(options.torrent)
    parameters.save_path = options.directory
    parameters.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
    torrent = session.add_torrent(parameters)
    for peer in options.peer:
        host, _, port = peer.rpartition(":")
        torrent.connect_peer((host, int(port)))
    deadline = time.monotonic() + options.deadline
    while time.monotonic() < deadline:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            if isinstance(alert, libtorrent.torrent_finished_alert):
                torrent.flush_cache()
            elif isinstance(alert, libtorrent.cache_flushed_alert) and torrent.status().is_seeding:
                return
            elif isinstance(alert, (libtorrent.torrent_error_alert, libtorrent.file_error_alert)):
                sys.exit(f"libtorrent_client: {alert.message()}")
    sys.exit("libtorrent_client: not complete in time")


if __name__ == "__main__":
    main()
