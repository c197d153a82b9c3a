"""A run's processes as /proc has them, and signals that cannot hit a stranger."""
import os
import pathlib
import re
import signal


def of_run(mark):
    """Process ids of everything that lives and has this word in its environment."""
    found, word = [], mark.encode()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if word in file.read().split(b"\0") and is_alive(int(entry)):
                    found.append(int(entry))
        except OSError:
            continue
    return found


def stat_fields(pid):
    """Fields of /proc/PID/stat from the third on (proc(5)); OSError when it is gone."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


def is_alive(pid):
    """Exists and is no zombie."""
    try:
        return stat_fields(pid)[0] not in "ZX"
    except OSError:
        return False


def send(pid, parent, number):
    """Signals a child of `parent`. Returns False when it is gone: the id may be someone else's by now."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if int(stat_fields(pid)[1]) != parent:
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except (OSError, IndexError):
        return False
    finally:
        os.close(handle)


def descriptor_count(pid):
    """None when it is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None


def descriptors(pid):
    """What it has open, as text, without the numbers of sockets and pipes. Empty when it is gone."""
    targets = []
    try:
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                targets.append(re.sub(r":\[\d+\]", "", os.readlink(entry)))
            except OSError:
                continue
    except OSError:
        pass
    return targets


def resident_bytes(pid):
    try:
        return int(stat_fields(pid)[21]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return None


def cpu_seconds(pid):
    try:
        fields = stat_fields(pid)
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
