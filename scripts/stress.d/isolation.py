"""What keeps a session's mounts and shared memory to itself, and its processes from outliving it."""
import ctypes
import os
import signal

CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


def enter():
    """As root: a mount namespace of our own, in which everything that is mounted ends with us, and a /dev/shm of our
    own, in which every leftover is ours."""
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS) != 0:
        return
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", "/dev/shm", "tmpfs", 0)


def mount(source, target, kind, flags, data=None):
    words = [word.encode() if word else None for word in (source, str(target), kind)]
    if libc.mount(*words, ctypes.c_ulong(flags), data.encode() if data else None) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(target))


def unmount(target):
    if libc.umount2(str(target).encode(), 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(target))


def die_with_us():
    """For a child before its exec: however we end, it does too. Only the main thread may start such children."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
