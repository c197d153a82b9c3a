"""kill -9 of the supervisor at random times, and a new start each time.

Of the orphans none may live two seconds later, stopped ones included. The next start re-checks no more than came in the
last second before the kill, and fetches no more again than the bytes of the pieces that were open.
"""
import signal
import time

import oracle
from verdicts import Failed, mebibytes, spread

LONGEST_LIFE = 3.0
# Workers stand still at the moment of the kill in one round of so many.
STOPPED_ONE_IN = 5
POOL = ("--workers", "3", "--hash-workers", "2")


def run(scene):
    count = scene.count(50, 4)
    data = scene.payload(scene.usual(512 << 20, 48 << 20))
    # Even with the longest lives there is something left for the last run, which gets a faster seeder as well.
    seeders = scene.seeders(data, 3, rate=int(data.size / (count * LONGEST_LIFE) / 3))
    checks, opens, waits, before = [], [], [], None
    for number in range(1, count + 1):
        if scene.is_time_over:
            break
        run = scene.run(data, seeders.addresses, *POOL, interval="0.1")
        survived(run, before, checks, waits)
        if not run.wait_until(time.monotonic() + scene.random.uniform(0.02, LONGEST_LIFE)):
            raise Failed(f"round {number} ended before its kill: {run.said()}")
        if scene.random.randrange(STOPPED_ONE_IN) == 0:
            for worker in run.workers.values():
                run.signal_worker(worker, signal.SIGSTOP)
        run.kill()
        oracle.after_kill(run)
        before = Last(run, before)
        opens.append(before.open_bytes)
    fast = scene.seeders(data)
    run = scene.run(data, seeders.addresses + fast.addresses, *POOL, interval="0.1")
    survived(run, before, checks, waits)
    run.wait_for_end(within=120)
    fetched = seeders.stop()[0] + fast.stop()[0]
    scene.figures.update({
        "kills and resumed runs": f"{len(opens)} of {len(opens)}", "back at work after s": spread(waits),
        "re-checked MiB": spread([checked / (1 << 20) for checked, _ in checks], 1),
        "  came in the last second": spread([recent / (1 << 20) for _, recent in checks], 1),
        "fetched again": mebibytes(fetched - data.size), "  in open pieces": mebibytes(sum(opens))})
    oracle.after_download(run, sum(opens), fetched)


class Last:
    """What a killed run had said of itself. A run of less than a second leaves what it took over to the next as well:
    it had no time to sync. Its last second ends with its last event: beside builds it may have had no processor until
    the kill, and then nothing came either."""

    def __init__(self, run, before):
        length = run.payload.piece_length
        killed = run.log.events[-1]["ts"] if run.log.events else 0
        recent = {event["index"] for event in run.log.of("piece", "verified") if event["ts"] > killed - 1}
        self.recent_bytes = len(recent) * length
        began = next((event["ts"] for event in run.log.of("progress") if event["phase"] == "downloading"), killed)
        if before and killed - began < 1:
            self.recent_bytes += before.recent_bytes
        self.open_bytes = len(run.log.pieces("granted") - run.log.pieces("written")) * length
        self.ours = run.log.pieces("written", "synced")


def survived(run, before, checks, waits):
    """Waits until the run grants, or has nothing to grant, and looks at how it took over."""
    if before is None:
        return
    run.wait("start", 20, lambda: run.log.last("start"))
    oracle.complain(oracle.left_run_directories(run.scene, 1))
    run.wait("the download", 20, lambda: run.progress.get("phase") in ("downloading", "seeding"))
    waits.append(time.monotonic() - run.started)
    checked = max(event["check_length"] for event in run.log.of("progress"))
    checks.append((checked, before.recent_bytes))
    if checked > before.recent_bytes:
        raise Failed(f"run {run.number} re-checked {mebibytes(checked)}, and {mebibytes(before.recent_bytes)} came in "
                     "the last second before the kill")
    if again := before.ours & run.log.pieces("granted"):
        raise Failed(f"run {run.number} fetches {len(again)} pieces again that were written, such as {min(again)}")
