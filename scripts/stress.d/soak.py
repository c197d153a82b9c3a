"""One long download with a blow every 5 to 30 s: nothing grows.

Lasts ten minutes, or --minutes.
"""
import inflight
import killer
import oracle
from verdicts import Failed, mebibytes, spread

POOL = ("--workers", "3", "--hash-workers", "2", "--heartbeat-ms", "300")
# The supervisor may keep some memory that it needed at its busiest.
MOST_GROWTH = 8 << 20


def run(scene):
    seconds = scene.usual((scene.options.minutes or 10) * 60, 6)
    shortest, longest = scene.usual((5, 30), (0.3, 1))
    size = scene.usual(max(256, int(seconds * 4)) << 20, 48 << 20)
    data = scene.payload(size, scene.usual(1 << 20, 1 << 18))
    seeders = scene.seeders(data, 3, rate=int(size / seconds / 3))
    run = scene.run(data, seeders.addresses, *POOL)
    hits = killer.Killer(run, scene.random, lambda: scene.random.uniform(shortest, longest))
    hits.strike_until(lambda: run.log.last("complete"))
    run.wait_for_end(within=60 + seconds)
    fetched, _, _ = seeders.stop()
    twice, most = inflight.duplicates(run.log), inflight.most_lost(run.log, data.piece_length)
    early, late = quarters([sample.resident for sample in run.samples])
    scene.figures.update({
        **hits.figures(), "wall s": run.ended - run.started, "payload": mebibytes(size),
        **killer.replacement_figures(run.log), "lost with workers": mebibytes(fetched - size - twice),
        "  at most in flight": mebibytes(most), "asked of two peers": mebibytes(twice),
        "supervisor's memory": f"{mebibytes(early)} in the first quarter, {mebibytes(late)} in the last",
        "supervisor's descriptors": spread([len(sample.descriptors) for sample in run.samples], 0)})
    oracle.after_download(run, most + twice, fetched)
    if late > early + MOST_GROWTH:
        raise Failed(f"the supervisor's memory grew from {mebibytes(early)} to {mebibytes(late)}")


def quarters(values):
    """The largest of the first quarter and of the last."""
    part = max(1, len(values) // 4)
    return max(values[:part], default=0), max(values[-part:], default=0)
