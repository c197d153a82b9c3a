"""A swarm of every make: one seed of ours, and libtorrent, aria2, rtorrent, Transmission and two of ours that want all.

They know each other by opentracker alone. The seed is slow, so that the swarm lives by what its members give on: ours
give before they have everything, and everybody ends with the source's bytes.
"""
import dataclasses
import shutil
import signal
import subprocess
import time
import urllib.parse

import bencode
import oracle
import others
from isolation import die_with_us
from network import OneSpace
from servers import PYTHON, TOOLS
from verdicts import Failed, Skipped, mebibytes

LOOK_SECONDS = 0.1
TRACKER_PORT = 6969
# Of the short form, which is over before rtorrent has given much and Transmission says for the first time that it wants
# something, after ten seconds.
QUICK = [kind for kind in others.KINDS if kind is not others.Transmission]


def run(scene):
    scene.needs_root("a network namespace")
    kinds = scene.usual(others.KINDS, QUICK)
    for program in ("opentracker", *(kind.program for kind in kinds)):
        if not shutil.which(program):
            raise Skipped(f"needs {program}")
    try:
        space = OneSpace(4 + len(kinds))
    except subprocess.CalledProcessError as error:
        raise Skipped(f"no network namespace: {error.stderr.strip()}") from error
    scene.at_end(space.close)
    tracker = Tracker(scene, space, scene.payload(scene.usual(96 << 20, 6 << 20)))
    data = tracker.data
    rate = 2 << 20

    (scene.folder / "seed").mkdir()
    (scene.folder / "seed" / data.path.name).hardlink_to(data.path)
    seed = ours(scene, space, data, 1, scene.folder / "seed", "--max-upload-limit", rate)
    seed.wait("seed at the tracker", 20, lambda: tracker.counts()["complete"] == 1)
    began = time.monotonic()
    strangers = [kind(scene, space, space.address(4 + number), data) for number, kind in enumerate(kinds)]
    two = [ours(scene, space, data, number, scene.folder / f"ours-{number}") for number in (2, 3)]
    finished = await_all(seed, two, strangers, began, patience=90 + 8 * data.size / rate)

    scene.figures["all complete after s"] = max(finished.values())
    given = {**{f"ours {run.number}": run.progress["upload_length"] for run in (seed, *two)},
             **{leecher.name: leecher.given() for leecher in strangers}}
    for name, count in given.items():
        scene.figures[f"{name} gave"] = mebibytes(count) + (
            f", complete after {finished[name]:.1f} s" if name in finished else "")
    early = [gave_before_complete(run) for run in two]
    scene.figures["ours gave before they had all"] = ", ".join(map(mebibytes, early))
    everybody = 3 + len(strangers)
    tracker.expect("ours are complete", lambda known: known["complete"] >= 3 and members(known) == everybody)

    for member in (seed, *two):
        member.send(signal.SIGINT)
    for member in (seed, *two):
        member.wait_for_end(within=10.5)
    tracker.expect("ours have left", lambda known: members(known) == len(strangers))
    for member in (seed, *two):
        oracle.after_download(member)
    problems = [f"{name} gave nothing" for name, count in given.items()
                if count == 0 and not (scene.is_short and name == "rtorrent")]
    # In a few seconds one of them may have nothing that others lack.
    if scene.usual(min, max)(early) == 0:
        problems.append("ours gave nothing before they had all")
    problems += [f"{leecher.name} has other bytes than the source" for leecher in strangers
                 if (leecher.output / data.path.name).read_bytes() != data.path.read_bytes()]
    oracle.complain(problems)


def ours(scene, space, data, number, directory, *arguments):
    address = space.address(number)
    return scene.run(data, [], "--seed", "--no-lsd", "--workers", "2", *arguments, before=space.inside([]),
                     directory=directory, state=scene.folder / f"state-{number}",
                     sources=("--bind", address, "--listen-port", "0"))


def await_all(seed, two, strangers, began, patience):
    """Seconds until each had everything, by name."""
    finished = {}
    while len(finished) < len(two) + len(strangers):
        if time.monotonic() - began > patience:
            raise Failed(f"after {patience:.0f} s only these are complete: {', '.join(finished) or 'none'}")
        for member in (seed, *two):
            if member.has_ended:
                raise Failed(f"run {member.number} ended with {member.process.returncode}: {member.said()}")
            member.look()
        for member in two:
            if member.log.last("complete"):
                finished.setdefault(f"ours {member.number}", time.monotonic() - began)
        for member in strangers:
            member.look()
            if member.name not in finished and member.is_complete():
                finished[member.name] = time.monotonic() - began
        time.sleep(LOOK_SECONDS)
    # What they gave last is told with the next report.
    for member in (seed, *two):
        member.wait_until(time.monotonic() + 0.5)
    return finished


def gave_before_complete(run):
    """Bytes that one of ours had given by its last report before it was complete."""
    gave = 0
    for event in run.log.events:
        if event["event"] == "complete":
            break
        if event["event"] == "progress":
            gave = event["upload_length"]
    return gave


def members(counts):
    return counts["complete"] + counts["incomplete"]


class Tracker:
    """opentracker in the swarm's namespace; `data` is the payload with a torrent that names it."""

    def __init__(self, scene, space, data):
        self.space, address = space, space.address(0)
        torrent = scene.folder / "swarm.torrent"
        subprocess.run([PYTHON, TOOLS / "make_torrent.py", data.path, "-o", torrent, "--piece-length",
                        str(data.piece_length), "--tracker", f"http://{address}:{TRACKER_PORT}/announce"],
                       check=True, capture_output=True)
        self.data = dataclasses.replace(data, torrent=torrent)
        folder = scene.folder / "tracker"
        folder.mkdir(mode=0o755)
        (folder / "whitelist").write_text(f"{data.info_hash}\n")
        port = str(TRACKER_PORT)
        with open(folder / "printed", "wb") as printed:
            self.process = subprocess.Popen(
                space.inside(["opentracker", "-i", address, "-p", port, "-P", port, "-d", str(folder), "-w", "whitelist"]),
                stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, preexec_fn=die_with_us)
        scene.at_end(self.stop)
        hash_text = urllib.parse.quote(bytes.fromhex(data.info_hash), safe="")
        self.scrape_url = f"http://{address}:{TRACKER_PORT}/scrape?info_hash={hash_text}"

    def counts(self):
        """`complete`, `incomplete` and `downloaded` of the torrent; zeros while it does not answer."""
        asked = subprocess.run(self.space.inside(["curl", "-s", "--max-time", "2", self.scrape_url]),
                               capture_output=True, check=False)
        try:
            files = bencode.decode(asked.stdout)[b"files"]
        except (ValueError, KeyError, IndexError, TypeError):
            files = {}
        known = next(iter(files.values()), {})
        return {name: known.get(name.encode(), 0) for name in ("complete", "incomplete", "downloaded")}

    def expect(self, when, is_right):
        """The counts become right within seconds; others announce when they like."""
        deadline = time.monotonic() + 5
        while not is_right(counts := self.counts()):
            if time.monotonic() > deadline:
                raise Failed(f"when {when}, the tracker counts {counts}")
            time.sleep(LOOK_SECONDS)

    def stop(self):
        self.process.kill()
        self.process.wait()
