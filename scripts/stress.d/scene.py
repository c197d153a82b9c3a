"""What a scenario works with: a folder of its own, lots, seeders, runs; and an end that leaves nothing behind."""
import contextlib
import os
import random
import time

import hostile
import payload
import servers
from network import Loopback
from run import Run
from verdicts import Skipped


def usual_sandbox():
    """The whole of it where the kernel has it (Linux 6.12), so that a part that is missing ends the run."""
    version = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    return "strict" if version >= (6, 12) else "auto"


class Scene:
    """`figures` is what the scenario wants to be said, in order."""

    def __init__(self, name, options):
        self.name, self.options, self.figures = name, options, {}
        self.is_short = options.short
        self.random = random.Random(f"{options.seed} {name}")
        self.folder = options.work_dir / f"{name}-{os.getpid()}"
        for part in ("runtime", "home", "out", "state"):
            (self.folder / part).mkdir(parents=True)
        (self.folder / "runtime").chmod(0o700)
        self.mark = f"XDG_RUNTIME_DIR={self.folder}/runtime"
        self.environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": f"{self.folder}/home",
                            "XDG_RUNTIME_DIR": f"{self.folder}/runtime",
                            # The one thing that a caller may choose for all runs.
                            "SWARMKEEPER_SANDBOX": os.environ.get("SWARMKEEPER_SANDBOX", usual_sandbox())}
        self.began = time.monotonic()
        self.limit = self.began + options.minutes * 60 if options.minutes else float("inf")
        self._ends = contextlib.ExitStack()
        self._latest = 0

    def program(self, name):
        return self.options.bin_dir / name

    def next_number(self):
        self._latest += 1
        return self._latest

    def usual(self, full, short):
        """The value of this form of the scenario."""
        return short if self.is_short else full

    def count(self, full, short):
        """How often to do it, unless the user said so."""
        return self.options.count or self.usual(full, short)

    @property
    def is_time_over(self):
        """--minutes are over: come to an end."""
        return time.monotonic() > self.limit

    def needs_root(self, what):
        if os.geteuid() != 0:
            raise Skipped(f"needs root, for {what}")

    def at_end(self, action, *arguments):
        """Does it when the scenario has ended, however; last added, first done."""
        self._ends.callback(action, *arguments)

    def close(self):
        self._ends.close()

    # The swarm

    def payload(self, size, piece_length=1 << 18):
        return payload.make(self.options.work_dir, size, piece_length)

    def seeders(self, data, count=1, rate=0, network=None):
        """Lean seeders; `rate` in bytes a second of each, 0: no limit."""
        program = servers.compile_tool("lean-seeder", self.options.work_dir)
        started = servers.Seeders(program, network or Loopback(), data, count, rate)
        self.at_end(started.stop)
        return started

    def hostile(self, data, modes, rate=None):
        """Peers that each do something wrong (Tests/EndToEndTests/Tools/hostile_peer.py)."""
        started = hostile.HostilePeers(self, data, modes, rate)
        self.at_end(started.stop)
        return started

    def run(self, data, peers, *arguments, **settings):
        return Run(self, data, peers, *arguments, **settings)
