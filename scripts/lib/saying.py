"""What a script tells the one who waits for it: lines on stderr that begin with its name."""
import pathlib
import sys


def say(text):
    print(f"{pathlib.Path(sys.argv[0]).name}: {text}", file=sys.stderr, flush=True)
