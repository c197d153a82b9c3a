#!/usr/bin/python3
"""Waits until an HTTP tracker knows a number of seeders of a torrent, by scraping it; exits with 1 if that takes long."""
import argparse
import sys
import time
import urllib.parse
import urllib.request

import bencode


def count_seeders(scrape_url, info_hash):
    """Seeders that the tracker knows; 0 while it does not answer."""
    address = f"{scrape_url}?info_hash={urllib.parse.quote(info_hash, safe='')}"
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bencode.decode(answer.read())[b"files"].get(info_hash, {}).get(b"complete", 0)
    except (OSError, KeyError, ValueError):
        return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("announce_url", help="http://ADDRESS:PORT/announce")
    parser.add_argument("info_hash", type=bytes.fromhex, help="40 hex digits")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=20, help="seconds (default 20)")
    options = parser.parse_args()
    scrape_url = options.announce_url.replace("/announce", "/scrape")
    deadline = time.monotonic() + options.timeout
    while count_seeders(scrape_url, options.info_hash) < options.count:
        if time.monotonic() > deadline:
            sys.exit(f"await_seeders: {options.announce_url} does not know {options.count} seeder(s)")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
