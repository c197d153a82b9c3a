"""A network that is thin, loses packets, or goes away for half a minute.

Two network namespaces and a veth pair: rate by tbf with a short queue (which drops), loss by nft, down by the link.
With each congestion control that the kernel lets a namespace choose.
"""
import re
import shutil
import subprocess
import time

import oracle
from network import Namespaces
from verdicts import Failed, Skipped, mebibytes

SEEDERS = 3


def run(scene):
    scene.needs_root("network namespaces")
    try:
        network = Namespaces(SEEDERS)
    except subprocess.CalledProcessError as error:
        raise Skipped(f"no network namespaces: {error.stderr.strip()}") from error
    scene.at_end(network.close)
    link = Link(network)
    thin = scene.payload(scene.usual(16 << 20, 2 << 20), 1 << 17)
    usual = scene.payload(scene.usual(128 << 20, 16 << 20))
    for control in scene.usual(link.congestion_controls(), link.congestion_controls()[:1]):
        if scene.is_time_over:
            break
        link.use(control)
        link.limit("8mbit")
        met(scene, network, f"8 Mbit/s, {control}", thin)
        link.free()
        if not shutil.which("nft"):
            scene.figures[f"loss, {control}"] = "not tried: needs nft (nftables)"
            continue
        for percent in scene.usual((1, 5, 20), (5,)):
            data = usual if percent < 20 else thin
            link.lose(percent)
            met(scene, network, f"{percent} % loss, {control}", data)
            scene.figures[f"{percent} % loss, {control}"] += f", {link.lost()} packets lost"
            link.free()
    down_and_up(scene, network, link, usual, scene.usual(30, 3))


def met(scene, network, name, data):
    seeders = scene.seeders(data, SEEDERS, network=network)
    folder = scene.folder / f"out {name}"
    run = scene.run(data, seeders.addresses, before=network.in_client_space([]), directory=folder)
    seconds = run.wait_for_end(within=600)
    fetched, _, _ = seeders.stop()
    scene.figures[name] = (f"{mebibytes(data.size / seconds)}/s, {mebibytes(fetched - data.size)} fetched again, "
                           f"{len(run.log.of('peer', 'closed'))} connections closed")
    oracle.after_download(run)
    if run.log.of("peer", "banned"):
        raise Failed(f"{name}: {len(run.log.of('peer', 'banned'))} peers were banned for the network's faults")
    (folder / data.path.name).unlink()


def down_and_up(scene, network, link, data, seconds):
    seeders = scene.seeders(data, SEEDERS, rate=2 << 20, network=network)
    run = scene.run(data, seeders.addresses, before=network.in_client_space([]))
    run.wait_for_pieces(10)
    link.up(False)
    run.wait_until(time.monotonic() + seconds)
    before = len(run.log.pieces("written"))
    link.up(True)
    back = time.monotonic()
    run.wait("piece after the link was back", 60 + seconds, lambda: len(run.log.pieces("written")) > before)
    scene.figures[f"link down for {seconds} s"] = f"the next piece came {time.monotonic() - back:.1f} s after it was up"
    run.wait_for_end(within=120 + data.size / (4 << 20))
    oracle.after_download(run)
    if run.log.of("worker", "replaced"):
        raise Failed("a worker was replaced because the network was away")


class Link:
    """What is done to the line, at the seeders' end."""

    def __init__(self, network):
        self.network = network
        # Packets as a wire has them; a veth pair hands segments of 64 KiB over in one.
        for space in (network.in_seeder_space, network.in_client_space):
            subprocess.run(space(["ip", "link", "set", "dev", network.link, "gso_max_segs", "1"]), check=False,
                           capture_output=True)

    def _seeders(self, *command, **settings):
        subprocess.run(self.network.in_seeder_space(list(command)), check=True, capture_output=True, text=True,
                       **settings)

    def congestion_controls(self):
        """Those that a namespace may choose: one that answers every loss, and one that does not."""
        with open("/proc/sys/net/ipv4/tcp_allowed_congestion_control", encoding="ascii") as file:
            allowed = file.read().split()
        return [name for name in ("cubic", "reno", "bbr") if name in allowed]

    def use(self, control):
        """The sender decides."""
        self._seeders("sysctl", "-q", "-w", f"net.ipv4.tcp_congestion_control={control}")

    def limit(self, rate):
        """A queue of some packets: what does not fit is dropped."""
        self._seeders("tc", "qdisc", "replace", "dev", self.network.link, "root", "tbf", "rate", rate, "burst", "32kb",
                      "limit", "64kb")

    def lose(self, percent):
        """Drops packets of both directions by lots."""
        drop = f"numgen random mod 100 < {percent} counter drop"
        self._seeders("nft", "-f", "-", input=(
            "table ip loss {\n"
            f"chain out {{ type filter hook output priority 0; oifname {self.network.link} {drop}; }}\n"
            f"chain in {{ type filter hook input priority 0; iifname {self.network.link} {drop}; }}\n}}\n"))

    def lost(self):
        """Packets that were dropped by lots since `lose`."""
        rules = subprocess.run(self.network.in_seeder_space(["nft", "list", "ruleset"]), check=True,
                               capture_output=True, text=True).stdout
        return sum(map(int, re.findall(r"counter packets (\d+)", rules)))

    def free(self):
        for command in (["tc", "qdisc", "del", "dev", self.network.link, "root"], ["nft", "flush", "ruleset"]):
            if shutil.which(command[0]):
                subprocess.run(self.network.in_seeder_space(command), check=False, capture_output=True)

    def up(self, is_up):
        self._seeders("ip", "link", "set", self.network.link, "up" if is_up else "down")
