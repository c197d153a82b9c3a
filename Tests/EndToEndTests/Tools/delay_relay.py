#!/usr/bin/python3
"""A long way between two network namespaces: packets arrive late, each by a delay of its own, so that they overtake.

Makes a TUN device here and one in the namespace --other, each with its address (a /24), and carries every packet from one
to the other after --delay ± --jitter seconds, evenly spread. Loses none. Prints "ready ADDRESS 0" with the other side's
address when packets pass. Needs root.
"""
import argparse
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import time

from lifetime import end_with_starter

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
# Few packets a second, so that a script can carry a fast line.
MTU = 9000
# Packets that wait for this script to read them; the usual 500 would be lost in a burst.
QUEUE = 20000


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def open_device(name, address, namespace=None):
    """Returns the descriptor of a new TUN device, which stays usable when the device moves to another namespace."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    inside = ["-n", namespace] if namespace else []
    if namespace:
        ip("link", "set", name, "netns", namespace)
    ip(*inside, "address", "add", f"{address}/24", "dev", name)
    ip(*inside, "link", "set", name, "mtu", str(MTU), "txqueuelen", str(QUEUE), "up")
    return device


def packets(device):
    """Yields what has come so far."""
    while True:
        try:
            yield os.read(device, MTU)
        except BlockingIOError:
            return


def relay(ends, delay, jitter, draw):
    """Carries packets for ever."""
    across = {ends[0]: ends[1], ends[1]: ends[0]}
    under_way, number = [], 0
    poll = select.poll()
    for end in ends:
        poll.register(end, select.POLLIN)
    while True:
        wait = None if not under_way else max(0, (under_way[0][0] - time.monotonic()) * 1000)
        for end, _ in poll.poll(wait):
            for packet in packets(end):
                number += 1
                due = time.monotonic() + delay + draw.uniform(-jitter, jitter)
                heapq.heappush(under_way, (due, number, across[end], packet))
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(under_way)
            os.write(end, packet)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other", required=True, metavar="NAMESPACE", help="where the second device goes")
    parser.add_argument("--addresses", nargs=2, required=True, metavar="ADDRESS", help="here and there")
    parser.add_argument("--delay", type=float, default=0.1, help="seconds, one way (default 0.1)")
    parser.add_argument("--jitter", type=float, default=0.0, help="seconds, one way (default 0)")
    parser.add_argument("--seed", type=int, default=1, help="of the delays")
    options = parser.parse_args()
    end_with_starter()
    here, there = options.addresses
    ends = [open_device("sk-near", here), open_device("sk-far", there, options.other)]
    print(f"ready {there} 0", flush=True)
    relay(ends, options.delay, options.jitter, random.Random(options.seed))


if __name__ == "__main__":
    main()
