"""Where the seeders and the client under test meet: two network namespaces joined by a veth pair, or loopback.

Namespaces need root. They keep the traffic off the machine's own interfaces, and every client treats their addresses
like a real network's, which loopback addresses are not.
"""
import os
import subprocess

from saying import say


def _ip(*arguments, given=None):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, input=given)


class Loopback:
    """No privileges needed; all share 127.0.0.0/8."""
    description = "loopback"

    def seeder_address(self, number):
        return f"127.0.0.{number + 1}"

    def in_seeder_space(self, command):
        return command

    def in_client_space(self, command):
        return command

    def close(self):
        """Nothing was made."""


class Namespaces:
    """Two network namespaces of this run's own, named after its process id."""
    description = "two network namespaces joined by veth"
    link = "swarm0"  # its name at both ends
    largest_seeder_count = 1000
    client_address = "10.213.255.254"

    def __init__(self, seeder_count):
        self.seeders, self.clients = f"seeders-{os.getpid()}", f"clients-{os.getpid()}"
        try:
            for name in (self.seeders, self.clients):
                _ip("netns", "add", name)
                _ip("-n", name, "link", "set", "lo", "up")
            _ip("link", "add", "name", self.link, "netns", self.seeders, "type", "veth", "peer", "name", self.link,
                "netns", self.clients)
            added = "".join(f"address add {self.seeder_address(number)}/16 dev {self.link}\n"
                            for number in range(seeder_count))
            _ip("-n", self.seeders, "-batch", "-", given=added)
            _ip("-n", self.clients, "address", "add", f"{self.client_address}/16", "dev", self.link)
            for name in (self.seeders, self.clients):
                _ip("-n", name, "link", "set", self.link, "up")
        except Exception:
            self.close()
            raise

    def seeder_address(self, number):
        return f"10.213.{number // 250}.{number % 250 + 1}"

    def in_seeder_space(self, command):
        return ["ip", "netns", "exec", self.seeders, *command]

    def in_client_space(self, command):
        return ["ip", "netns", "exec", self.clients, *command]

    def close(self):
        for name in (self.seeders, self.clients):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


class OneSpace:
    """A namespace whose loopback device has an address for every client: all of them meet there, and none takes the
    others for itself."""

    def __init__(self, address_count):
        self.name = f"swarm-{os.getpid()}"
        _ip("netns", "add", self.name)
        try:
            _ip("-n", self.name, "link", "set", "lo", "up")
            for number in range(address_count):
                _ip("-n", self.name, "address", "add", f"{self.address(number)}/32", "dev", "lo")
        except Exception:
            self.close()
            raise

    @staticmethod
    def address(number):
        return f"10.213.0.{number + 1}"

    def inside(self, command):
        return ["ip", "netns", "exec", self.name, *command]

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)


def open_network(seeder_count):
    """Namespaces if this user and kernel allow them, else loopback."""
    try:
        return Namespaces(seeder_count)
    except (OSError, subprocess.CalledProcessError):
        say("no network namespaces for this user; the clients meet on loopback")
        return Loopback()
