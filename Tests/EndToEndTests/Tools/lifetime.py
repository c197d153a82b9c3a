"""Ends a tool with its starter, so that no test leaves a process behind.

A tool exits when its standard input, if that is a pipe or a socket, reaches its end, or when its parent is gone.
PR_SET_PDEATHSIG is not used: it fires when the parent's *thread* ends, and a thread pool's threads come and go.
"""
import os
import stat
import threading
import time


def _watch_stdin():
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    os._exit(0)


def _watch_parent(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def end_with_starter():
    """Call once, at the start of main."""
    mode = os.fstat(0).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        threading.Thread(target=_watch_stdin, daemon=True).start()
    threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()
