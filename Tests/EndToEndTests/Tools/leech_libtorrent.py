#!/usr/bin/python3
"""Downloads a torrent with libtorrent (Debian's python3-libtorrent) from the given peers or from whoever connects.

Prints "ready ADDRESS PORT" when it listens, and "complete" when every byte is verified and on disk; goes on giving to
others until its starter is gone. Once a second it prints "gave BYTES" when it has given more than before.
"""
import argparse
import sys

import libtorrent

from lifetime import end_with_starter


def open_session(address, port, limit):
    return libtorrent.session({
        "listen_interfaces": f"{address}:{port}",
        "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
        "allow_multiple_connections_per_ip": True, "enable_outgoing_utp": False, "enable_incoming_utp": False,
        "in_enc_policy": int(libtorrent.enc_policy.disabled), "out_enc_policy": int(libtorrent.enc_policy.disabled),
        "download_rate_limit": limit, "mixed_mode_algorithm": int(libtorrent.bandwidth_mixed_algo_t.prefer_tcp),
        "alert_mask": libtorrent.alert.category_t.error_notification | libtorrent.alert.category_t.status_notification
        | libtorrent.alert.category_t.storage_notification,
    })


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("torrent")
    parser.add_argument("directory", help="where the files go")
    parser.add_argument("--listen", default="127.0.0.1:0", help="ADDRESS:PORT; port 0: any (default 127.0.0.1:0)")
    parser.add_argument("--peer", action="append", default=[], help="ADDRESS:PORT; repeatable")
    parser.add_argument("--download-limit", type=int, default=0, help="bytes/s; 0: none")
    parser.add_argument("--announce", action="store_true", help="announce to the torrent's trackers")
    options = parser.parse_args()
    end_with_starter()

    address, _, port = options.listen.rpartition(":")
    session = open_session(address, port, options.download_limit)
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(options.torrent)
    parameters.save_path = options.directory
    parameters.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
    torrent = session.add_torrent(parameters)
    if not options.announce:
        torrent.replace_trackers([])
    for peer in options.peer:
        host, _, peer_port = peer.rpartition(":")
        torrent.connect_peer((host.strip("[]"), int(peer_port)))
    print(f"ready {address} {session.listen_port()}", flush=True)
    is_asked = is_told = False
    gave = 0
    while True:
        session.wait_for_alert(1000)
        if (given := torrent.status().total_payload_upload) > gave:
            gave = given
            print("gave", gave, flush=True)
        is_flushed = False
        for alert in session.pop_alerts():
            if isinstance(alert, libtorrent.cache_flushed_alert):
                is_flushed = True
            elif isinstance(alert, (libtorrent.torrent_error_alert, libtorrent.file_error_alert)):
                sys.exit(f"leech_libtorrent: {alert.message()}")
        if is_told or not torrent.status().is_seeding:
            continue
        if is_flushed and is_asked:
            print("complete", flush=True)
            is_told = True
        else:
            torrent.flush_cache()
            is_asked = True


if __name__ == "__main__":
    main()
