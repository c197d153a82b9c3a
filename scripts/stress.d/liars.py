"""Peers that send wrong data: 1 of 3, 3 of 3, one block in 100. They are banned, the innocent are not.

With a liar in the swarm the download completes; with nothing but liars it rests, and ends with exit code 6.
"""
import time

import oracle
import processes
from verdicts import Failed, mebibytes

# A peer that lies always: what it sent until the first verdict is spread over the open pieces, and all of them fail.
MOST_LOST_BYTES = 2 << 20
# One that lies now and then is found when a piece that failed has come right from others: a window's wait, and more.
MOST_SECONDS_TO_BAN = 5
RATE = 4 << 20
REST_SECONDS = 2
MOST_REST_CPU = 0.2


def run(scene):
    size = scene.usual(64 << 20, 12 << 20)
    swarms = (("1 of 3", ["corrupt-block"], 2), ("one block in 100", ["corrupt-block-100"], 2),
              ("2 of 3", ["corrupt-block", "corrupt-block-10"], 1))
    for name, liars, honest in swarms[:scene.usual(3, 2)]:
        if not scene.is_time_over:
            among_the_honest(scene, name, scene.payload(size, 1 << 18), liars, honest)
    nobody_else(scene, scene.payload(1 << 20, 1 << 16))


def among_the_honest(scene, name, data, liars, honest):
    peers = scene.hostile(data, liars + ["honest"] * honest, RATE)
    run = scene.run(data, peers.addresses, "--workers", "2", directory=scene.folder / f"out {name}")
    run.wait_for_end(within=60 + data.size / RATE * 3)
    bans = {event["address"]: event["ts"] for event in reversed(run.log.of("peer", "banned"))}
    failures = [event["ts"] for event in run.log.of("piece", "failed")]
    until_ban = max(0, max(bans.values(), default=0) - min(failures, default=0))
    scene.figures[name] = (f"{len(bans)} banned, the last {until_ban:.1f} s after the first bad piece; {len(failures)} "
                           f"pieces of {data.size // data.piece_length} lost")
    oracle.after_download(run)
    known = set(peers.addresses[:len(liars)])
    if bans.keys() - known:
        raise Failed(f"{name}: {len(bans.keys() - known)} innocent peers were banned")
    # Who lies rarely may not have lied in a short download.
    if failures and known - bans.keys():
        raise Failed(f"{name}: {len(known - bans.keys())} liars were not banned, though {len(failures)} pieces failed")
    if failures and until_ban > MOST_SECONDS_TO_BAN:
        raise Failed(f"{name}: the last ban came {until_ban:.1f} s after the first bad piece")
    if set(liars) == {"corrupt-block"} and len(failures) * data.piece_length > MOST_LOST_BYTES:
        raise Failed(f"{name}: {mebibytes(len(failures) * data.piece_length)} were lost to {len(liars)} liars")


def nobody_else(scene, data):
    """No spin: nothing is fetched for ever, no processor is busy. The end takes a minute of patience."""
    peers = scene.hostile(data, ["corrupt-block"] * 3, RATE)
    run = scene.run(data, peers.addresses, "--workers", "2", directory=scene.folder / "out 3 of 3")
    run.wait("bans of all liars", 30, lambda: len({event["address"] for event in run.log.of("peer", "banned")}) == 3)
    alive = processes.of_run(scene.mark)
    before, since = sum(map(processes.cpu_seconds, alive)), time.monotonic()
    run.wait_until(since + REST_SECONDS)
    share = (sum(map(processes.cpu_seconds, alive)) - before) / (time.monotonic() - since)
    requests = sum(record["event"] == "request" for record in peers.records())
    scene.figures["3 of 3"] = f"{requests} requests for {data.size >> 14} blocks, then {100 * share:.1f} % of a core"
    if share > MOST_REST_CPU:
        raise Failed(f"alone with liars it takes {100 * share:.0f} % of a core")
    if run.log.pieces("verified"):
        raise Failed("a lie was verified")
    if scene.is_short:
        run.stop()
    else:
        run.wait_for_end(within=100, code=6)
    oracle.complain([*oracle.left_processes(scene), *oracle.left_run_directories(scene, 0)])
