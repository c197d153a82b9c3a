"""Tells how much of the machine other work uses, so that a benchmark on a shared machine can wait for its moment."""
import os
import time

TICK = os.sysconf("SC_CLK_TCK")
# Cores that others may use: the kernel's own threads write back and free what a run leaves.
TOLERATED = 0.25


def busy_seconds():
    """CPU seconds of all cores since the start, idle ones left out."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = list(map(int, file.readline().split()[1:]))
    # user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user.
    return (sum(fields[:3]) + sum(fields[5:8])) / TICK


class Watch:
    """CPU time of the whole machine from the beginning to end()."""

    def __init__(self):
        self.began, self.used = busy_seconds(), 0.0

    def end(self):
        self.used = busy_seconds() - self.began

    def others(self, own):
        """CPU seconds beside `own` ones."""
        return max(0.0, self.used - own)


def wait(limit, window=0.5):
    """Returns when the machine has done next to nothing for half a second, or after `limit` seconds."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        watch = Watch()
        time.sleep(window)
        watch.end()
        if watch.used <= TOLERATED * window:
            return
