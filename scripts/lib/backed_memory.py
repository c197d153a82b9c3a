"""Memory that the host of a virtual machine has backed, given back as a measured run takes it.

A balloon that reports free pages gives them to the host about a second after they are freed, and each page then costs a trip
to the host when it is next touched: a GiB of page cache that takes 0.23 CPU seconds otherwise was measured at up to 3.4.
Which run pays that is chance. So a run gets pages that are backed: they are held in files that are not written back,
and freed as fast as the machine's free memory falls. The kernel hands out first what was freed last, and in runs as long as
those that files were made of: anonymous memory, freed likewise, is not what a writer gets.
"""
import pathlib
import tempfile
import threading
import time

CHUNK = 16 << 20
# What is free before the run takes any, so that no allocation outruns the loop below.
AHEAD = 192 << 20
# Beyond this the kernel starts to write back what is held, and the run would pay for it.
LIMIT = 2 << 30
# Seconds between two looks at the free memory.
INTERVAL = 0.01
# What one write brings, and so the longest run of pages: as long as the longest piece that is measured.
ZEROS = bytes(4 << 20)


def free_bytes():
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemFree:"):
                return int(line.split()[1]) << 10
    raise RuntimeError("/proc/meminfo: no MemFree")


class BackedMemory:
    """A context: `size` bytes that the run is going to take are backed. `cpu` is what giving them back cost, in seconds."""

    def __init__(self, folder, size):
        size = min(size, LIMIT)
        self.folder = tempfile.TemporaryDirectory(prefix="backed-", dir=folder)
        self.chunks = [self.hold(str(number)) for number in range(-(-(size + AHEAD) // CHUNK))]
        self.cpu = 0.0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.give_back, daemon=True)

    def hold(self, name):
        path = pathlib.Path(self.folder.name, name)
        with open(path, "wb", buffering=0) as file:
            for _ in range(CHUNK // len(ZEROS)):
                file.write(ZEROS)
        return path

    def __enter__(self):
        self.release(AHEAD)
        self.level = free_bytes()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.folder.cleanup()

    def release(self, size):
        for _ in range(min(len(self.chunks), -(-size // CHUNK))):
            self.chunks.pop().unlink()

    def give_back(self):
        while self.chunks and not self.over.wait(INTERVAL):
            self.release(max(0, self.level - free_bytes()))
        self.cpu = time.thread_time()
