#!/usr/bin/python3
"""Checks the files of a torrent with libtorrent and its two hashing threads, then exits: 0 when all of it is there."""
import argparse
import sys
import time

import libtorrent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("torrent")
    parser.add_argument("directory")
    parser.add_argument("--threads", type=int, default=2, help="hashing threads (default 2)")
    parser.add_argument("--deadline", type=float, default=300, help="seconds")
    options = parser.parse_args()

    session = libtorrent.session({
        "listen_interfaces": "127.0.0.1:0", "hashing_threads": options.threads,
        "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
        "alert_mask": libtorrent.alert.category_t.status_notification | libtorrent.alert.category_t.error_notification,
    })
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(options.torrent)
    parameters.save_path = options.directory
    parameters.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
    torrent = session.add_torrent(parameters)
    deadline = time.monotonic() + options.deadline
    while time.monotonic() < deadline:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            if isinstance(alert, libtorrent.torrent_checked_alert):
                sys.exit(0 if torrent.status().is_seeding else "libtorrent_check: something is missing")
            if isinstance(alert, (libtorrent.torrent_error_alert, libtorrent.file_error_alert)):
                sys.exit(f"libtorrent_check: {alert.message()}")
    sys.exit("libtorrent_check: not checked in time")


if __name__ == "__main__":
    main()
