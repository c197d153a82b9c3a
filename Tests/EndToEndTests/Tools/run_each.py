#!/usr/bin/python3
"""Runs command lines one after the other and says of each how it ended, how long it took and how much memory it needed.

Reads one JSON list of words a line from FILE. Prints one JSON object a line: {"code" (negative: a signal), "seconds",
"peak" (resident bytes at most), "stdout", "stderr"}. One that is not done after 10 seconds is killed.
"""
import argparse
import json
import os
import signal
import subprocess
import tempfile
import threading
import time

from lifetime import end_with_starter


def run(command):
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        timer = threading.Timer(10, os.kill, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        return {"code": process.returncode, "seconds": seconds, "peak": usage.ru_maxrss * 1024,
                "stdout": output.read().decode(errors="replace"), "stderr": errors.read().decode(errors="replace")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=argparse.FileType())
    options = parser.parse_args()
    end_with_starter()
    for line in options.file:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
