"""What must be true after every run, whatever happened in it. Each question has a function; `after_download` asks all.

Raises Failed with everything that is wrong, not only the first of it.
"""
import collections
import hashlib
import os
import time

import bencode
import processes
from verdicts import Failed, mebibytes

CHUNK = 4 << 20
# The promise: nothing of a run lives longer than this after its supervisor.
PATIENCE_SECONDS = 2


def after_download(run, most_fetched_again=None, fetched=None):
    """After an end with exit code 0. `fetched`: bytes that the seeders sent, `most_fetched_again` what may be more than
    the payload of them."""
    problems = [*left_processes(run.scene), *left_run_directories(run.scene, 0), *left_shared_memory(),
                *different_files(run), *pieces_twice(run.log), *things_held(run.log), *descriptors_kept(run),
                *lost_lines(run.log)]
    if fetched is not None and fetched - run.payload.size > most_fetched_again:
        problems.append(f"{mebibytes(fetched - run.payload.size)} were fetched again, at most "
                        f"{mebibytes(most_fetched_again)} were in flight")
    complain(problems)


def after_kill(run, announced=("written", "synced")):
    """After the supervisor's death at any moment: its workers are gone, what it announced is in the files."""
    complain([*left_processes(run.scene), *pieces_twice(run.log), *lost_lines(run.log),
              *wrong_pieces(run.payload, run.directory, run.log.pieces(*announced), "announced")])


def complain(problems):
    if problems:
        raise Failed("; ".join(problems))


def left_processes(scene):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := processes.of_run(scene.mark):
        if time.monotonic() > deadline:
            names = sorted(open(f"/proc/{pid}/comm").read().strip() for pid in left if processes.is_alive(pid))
            return [f"{len(left)} processes live {PATIENCE_SECONDS} s after the end: {', '.join(names)}"]
        time.sleep(0.01)
    return []


def left_run_directories(scene, expected):
    base = scene.folder / "runtime/swarmkeeper"
    names = os.listdir(base) if base.exists() else []
    return [f"{len(names)} run directories, expected {expected}"] if len(names) != expected else []


def left_shared_memory():
    """In a /dev/shm of our own, every name is a leftover (isolation.py). Without root others use the same."""
    names = os.listdir("/dev/shm") if os.geteuid() == 0 else []
    return [f"left in /dev/shm: {', '.join(names)}"] if names else []


def different_files(run):
    result, source = run.directory / run.payload.path.name, run.payload.path
    try:
        with open(result, "rb") as first, open(source, "rb") as second:
            while True:
                left, right = first.read(CHUNK), second.read(CHUNK)
                if left != right:
                    return [f"{result.name} differs from the source in the {CHUNK >> 20} MiB before "
                            f"{max(first.tell(), second.tell())}"]
                if not left:
                    return []
    except FileNotFoundError:
        return [f"{result.name} is not there"]


def pieces_twice(log):
    """A piece that was verified once is never granted or verified again."""
    verified, again = set(), []
    for event in log.events:
        if event["event"] == "piece" and event["state"] in ("granted", "verified"):
            if event["index"] in verified:
                again.append(event["index"])
            elif event["state"] == "verified":
                verified.add(event["index"])
    return [f"{len(set(again))} verified pieces were fetched again, such as {again[0]}"] if again else []


def things_held(log):
    """Slots, frames, pieces and reservations of the workers that ended in order."""
    problems = []
    for event in log.of("worker", "dead"):
        if event["status"] == 0 and (event.get("held") or event.get("reserved")):
            problems.append(f"{event['role']}.{event['ordinal']} ended holding {event['held']}, reserved "
                            f"{event['reserved']}")
    return problems


def descriptors_kept(run):
    """The supervisor's, between the first and the last moment at which all workers were ready."""
    if len(run.samples) < 2:
        return []
    first, last = run.samples[0], min(run.samples[-3:], key=lambda sample: len(sample.descriptors))
    if len(last.descriptors) > len(first.descriptors):
        more = collections.Counter(last.descriptors) - collections.Counter(first.descriptors)
        return [f"the supervisor's descriptors grew from {len(first.descriptors)} to {len(last.descriptors)}: "
                f"{', '.join(sorted(more.elements()))}"]
    return []


def lost_lines(log):
    missing = [event["message"] for event in log.of("warning") if "not read in time" in event["message"]]
    return ([f"{log.torn} event lines are torn"] if log.torn else []) + missing[:1]


def wrong_pieces(data, directory, pieces, claim):
    """Those of the pieces whose bytes on disk have another SHA-1 than the torrent says."""
    if not pieces:
        return []
    digests = bencode.decode(data.torrent.read_bytes())[b"info"][b"pieces"]
    wrong = []
    try:
        with open(directory / data.path.name, "rb") as file:
            for piece in sorted(pieces):
                start = piece * data.piece_length
                content = os.pread(file.fileno(), min(data.piece_length, data.size - start), start)
                if hashlib.sha1(content).digest() != digests[20 * piece:20 * piece + 20]:
                    wrong.append(piece)
    except FileNotFoundError:
        return [f"{len(pieces)} pieces are {claim}, and the file is not there"]
    return [f"{len(wrong)} of {len(pieces)} {claim} pieces do not re-hash right, such as {wrong[0]}"] if wrong else []
