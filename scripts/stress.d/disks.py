"""File systems made for a run: ext4 on a loop device, whose power can be cut or which can be frozen, and small tmpfs.

They are mounted in the session's own mount namespace (isolation.py), so they end with it.
"""
import errno
import fcntl
import os
import shutil
import struct
import subprocess
import time

import isolation
from verdicts import Skipped

# linux/fs.h, _IOR('X', 125, __u32). Flag 2 (NOLOGFLUSH): not even the journal in memory gets to the device.
FS_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878


class Disk:
    """A mounted folder; unmounted when the scenario ends."""

    def __init__(self, scene, name):
        scene.needs_root("a disk of its own")
        self.path = scene.folder / name
        self.path.mkdir()
        self.is_mounted = self.is_frozen = False
        scene.at_end(self.unmount)

    def unmount(self):
        if self.is_frozen:
            self.thaw()
        if self.is_mounted:
            self.is_mounted = False
            self._release()

    def _release(self):
        """Descriptors that were on their way between processes which died are closed by the kernel a moment later."""
        limit = time.monotonic() + 5
        while True:
            try:
                return isolation.unmount(self.path)
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > limit:
                    raise
            time.sleep(0.01)

    @property
    def free_bytes(self):
        return shutil.disk_usage(self.path).free

    def fill(self, leaving):
        """Writes ballast until so many bytes are left."""
        ballast = self.path / "ballast"
        with open(ballast, "wb") as file:
            while (left := self.free_bytes - leaving) > 0:
                file.write(bytes(min(left, 1 << 20)))
                file.flush()
        return ballast


class Tmpfs(Disk):
    def __init__(self, scene, name, size):
        super().__init__(scene, name)
        isolation.mount("tmpfs", self.path, "tmpfs", 0, f"size={size}")
        self.is_mounted = True


class Ext4(Disk):
    def __init__(self, scene, name, size):
        super().__init__(scene, name)
        if not shutil.which("mkfs.ext4"):
            raise Skipped("needs mkfs.ext4 (e2fsprogs)")
        self.image = scene.folder / f"{name}.ext4"
        with open(self.image, "wb") as file:
            file.truncate(size)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0",
                        self.image], check=True)
        self.mount()

    def mount(self):
        mounted = subprocess.run(["mount", "-o", "loop", self.image, self.path], capture_output=True, text=True,
                                 check=False)
        if mounted.returncode != 0:
            raise Skipped(f"no loop device: {mounted.stderr.strip()}")
        self.is_mounted = True

    def cut_power(self):
        """From this call on nothing gets to the device: what was not synced is gone at the next mount."""
        self._control(FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))

    def freeze(self):
        """No write is answered until `thaw`."""
        self._control(FIFREEZE, struct.pack("I", 0))
        self.is_frozen = True

    def thaw(self):
        self._control(FITHAW, struct.pack("I", 0))
        self.is_frozen = False

    def _control(self, request, argument):
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, request, argument)
        finally:
            os.close(folder)
