"""Runs one command and says what its whole process tree cost: wall and CPU seconds, or memory.

CPU seconds come from wait4 and so include every descendant that was waited for by its parent. This process is the
reaper of orphans (PR_SET_CHILD_SUBREAPER), so descendants that outlive their parent are waited for here and count too.
What wait4 cannot see is a descendant whose parent ignores SIGCHLD; the memory run compares with samples and says so.
"""
import ctypes
import dataclasses
import os
import signal
import subprocess
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.1
TICK = os.sysconf("SC_CLK_TCK")


class RunFailed(Exception):
    """The command did not end in time or not with success."""


@dataclasses.dataclass
class Cost:
    wall: float
    cpu: float


@dataclasses.dataclass
class Memory:
    """Peaks over the samples, in bytes, summed over the tree. `private` leaves out file pages that are mapped."""
    pss: int = 0
    private: int = 0
    cpu_seen: float = 0.0


def become_reaper():
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid):
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except OSError:
        pass
    return found


def tree(pid):
    """The process and all its descendants, as far as they still run."""
    found = [pid]
    for known in found:
        found += children(known)
    return found


def run(command, deadline, log, bystanders=frozenset(), sample=False):
    """Returns (Cost, Memory or None). Raises RunFailed with the last line of the log.

    `bystanders` are the process ids of our other children; whatever else is ours when the command ends is its doing.
    """
    started = time.monotonic()
    with open(log, "wb") as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                 start_new_session=True)
    late = threading.Event()
    timer = threading.Timer(deadline, lambda: (late.set(), os.killpg(child.pid, signal.SIGKILL)))
    timer.start()
    sampler = Sampler(child.pid) if sample else None
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        raise
    finally:
        wall = time.monotonic() - started
        timer.cancel()
        memory = sampler.finish() if sampler else None
    child.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime + reap_orphans(bystanders)
    if late.is_set() or child.returncode != 0:
        with open(log, encoding="utf-8", errors="replace") as output:
            last = (output.read().strip().splitlines() or [""])[-1]
        reason = f"not done after {deadline:.0f} s" if late.is_set() else f"exit code {child.returncode}"
        raise RunFailed(f"{reason}: {last}")
    return Cost(wall, cpu), memory


def reap_orphans(bystanders):
    """Ends what the command left running (two seconds to do so itself) and returns its CPU seconds."""
    cpu, patience = 0.0, time.monotonic() + 2
    while left := set(children(os.getpid())) - bystanders:
        for pid in left:
            if time.monotonic() > patience:
                os.kill(pid, signal.SIGKILL)
            done, _, usage = os.wait4(pid, os.WNOHANG)
            if done:
                cpu += usage.ru_utime + usage.ru_stime
        time.sleep(0.01)
    return cpu


def look(pid):
    """The tree's Memory now."""
    now = Memory()
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/smaps_rollup", encoding="ascii") as file:
                sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file if line.endswith("kB\n")}
            with open(f"/proc/{member}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if "Pss" not in sizes:
            continue  # a zombie
        now.pss += sizes["Pss"]
        now.private += sizes.get("Pss_Anon", 0) + sizes.get("Pss_Shmem", 0)
        now.cpu_seen += sum(map(int, fields[11:15])) / TICK
    return now


class Sampler:
    """Reads the tree's memory and CPU on a thread of its own until finish()."""

    def __init__(self, pid):
        self.pid, self.peak, self.done = pid, Memory(), threading.Event()
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    def _loop(self):
        while not self.done.wait(SAMPLE_SECONDS):
            now = look(self.pid)
            self.peak.pss = max(self.peak.pss, now.pss)
            self.peak.private = max(self.peak.private, now.private)
            self.peak.cpu_seen = max(self.peak.cpu_seen, now.cpu_seen)

    def finish(self):
        self.done.set()
        self.thread.join()
        return self.peak
