#!/usr/bin/python3
"""Joins the group of local discovery (BEP 14) on a network and prints the info-hash of every announcement, a line each,
after "ready ADDRESS 6771"."""
import argparse
import socket

from lifetime import end_with_starter

GROUP, PORT = "239.192.152.143", 6771


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="of this machine on the network")
    options = parser.parse_args()
    end_with_starter()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", PORT))
        listener.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(options.address))
        print("ready", options.address, PORT, flush=True)
        while True:
            for line in listener.recv(2000).decode().split("\r\n"):
                name, _, value = line.partition(":")
                if name.lower() == "infohash":
                    print(value.strip(), flush=True)


if __name__ == "__main__":
    main()
