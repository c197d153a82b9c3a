"""Where the seeders and the client under test meet: two network namespaces joined by a veth pair, or loopback.

Namespaces need root. They keep the benchmark's traffic off the machine's own interfaces, and every client treats their
addresses like a real network's, which loopback addresses are not.
"""
import os
import subprocess
import sys


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
    largest_seeder_count = 100
    client_address = "10.213.0.254"

    def __init__(self, seeder_count):
        self.seeders, self.clients = f"bench-seed-{os.getpid()}", f"bench-client-{os.getpid()}"
        try:
            for name in (self.seeders, self.clients):
                self._ip("netns", "add", name)
                self._ip("-n", name, "link", "set", "lo", "up")
            self._ip("link", "add", "name", "bench0", "netns", self.seeders, "type", "veth", "peer", "name", "bench0",
                     "netns", self.clients)
            for number in range(seeder_count):
                self._ip("-n", self.seeders, "address", "add", f"{self.seeder_address(number)}/24", "dev", "bench0")
            self._ip("-n", self.clients, "address", "add", f"{self.client_address}/24", "dev", "bench0")
            for name in (self.seeders, self.clients):
                self._ip("-n", name, "link", "set", "bench0", "up")
        except Exception:
            self.close()
            raise

    @staticmethod
    def _ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)

    def seeder_address(self, number):
        return f"10.213.0.{number + 1}"

    def in_seeder_space(self, command):
        return ["ip", "netns", "exec", self.seeders, *command]

    def in_client_space(self, command):
        return ["ip", "netns", "exec", self.clients, *command]

    def close(self):
        for name in (self.seeders, self.clients):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def open_network(seeder_count):
    """Namespaces if this user and kernel allow them, else loopback."""
    try:
        return Namespaces(seeder_count)
    except (OSError, subprocess.CalledProcessError):
        print("bench: no network namespaces for this user; the clients meet on loopback", file=sys.stderr)
        return Loopback()
