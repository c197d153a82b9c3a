"""Random SIGKILL and SIGSTOP over all roles during one download, every 50 ms to 5 s; and its price at one a second.

Figures: how the workers were hit, how long a place was empty, what was fetched again; then the time of a download with
one kill a second as a multiple of one without (measured in the same minute).
"""
import inflight
import killer
import oracle
from verdicts import Failed, mebibytes

POOL = ("--workers", "3", "--hash-workers", "2", "--heartbeat-ms", "300")
SHORTEST, LONGEST = 0.05, 5.0
# Mean of a logarithmic draw between the two.
MEAN_INTERVAL = 1.075
MOST_SLOWDOWN = 2.0
READY_SECONDS = 0.5


def run(scene):
    many_kills(scene, scene.count(1000, 25))
    price_of_a_kill_a_second(scene)


def many_kills(scene, count):
    longest = LONGEST if not scene.is_short else 0.3
    interval = MEAN_INTERVAL if not scene.is_short else 0.14
    if scene.limit != float("inf"):
        count = min(count, int((scene.limit - scene.began) * 0.8 / interval))
    size = scene.usual(min(4 << 30, count << 22), 64 << 20) >> 24 << 24
    data = scene.payload(size, scene.usual(1 << 20, 1 << 18))
    # The download lasts a little longer than the blows.
    seeders = scene.seeders(data, 3, rate=int(size / (count * interval * 1.15) / 3))
    run = scene.run(data, seeders.addresses, *POOL)
    hits = killer.Killer(run, scene.random, killer.logarithmic(scene.random, SHORTEST, longest))
    hits.strike_until(lambda: hits.total >= count)
    run.wait_for_end(within=60 + 2 * count * interval)
    fetched, _, _ = seeders.stop()
    twice, most = inflight.duplicates(run.log), inflight.most_lost(run.log, data.piece_length)
    scene.figures.update({
        **hits.figures(), "payload": mebibytes(size), "wall s": run.ended - run.started,
        **killer.replacement_figures(run.log), "lost with workers": mebibytes(fetched - size - twice),
        "  at most in flight": mebibytes(most), "asked of two peers": mebibytes(twice),
        "verified pieces fetched twice": len(oracle.pieces_twice(run.log))})
    oracle.after_download(run, most + twice, fetched)
    if hits.total < count:
        raise Failed(f"the download ended after {hits.total} of {count} blows")


def price_of_a_kill_a_second(scene):
    """Both at a rate that the seeders hold, and as fast as it goes."""
    for name, size, rate in (("at 48 MiB/s", scene.usual(1 << 30, 64 << 20), 16 << 20),
                             ("unlimited", scene.usual(8 << 30, 0), 0)):
        if size == 0 or scene.is_time_over:
            continue
        data = scene.payload(size, 1 << 20)
        alone, _ = timed(scene, data, rate, None)
        disturbed, kills = timed(scene, data, rate, 1.0)
        scene.figures[f"one kill a second, {name}"] = (
            f"{alone:.2f} s without, {disturbed:.2f} s with {kills} kills: x{disturbed / alone:.2f}")
        if disturbed > MOST_SLOWDOWN * alone:
            raise Failed(f"{disturbed:.2f} s with a kill a second, {alone:.2f} s without ({name})")


def timed(scene, data, rate, interval):
    """Seconds of one download, and kills in it."""
    folder = scene.folder / f"out-{scene.next_number()}"
    seeders = scene.seeders(data, 3, rate)
    run = scene.run(data, seeders.addresses, *POOL, directory=folder)
    hits = killer.Killer(run, scene.random, lambda: interval, kills_only=True)
    if interval:
        hits.strike_until(lambda: False)
    seconds = run.wait_for_end(within=600)
    seeders.stop()
    oracle.after_download(run)
    (folder / data.path.name).unlink()
    return seconds, hits.total
