"""A thousand peers and more at once, and workers that die among them."""
import killer
import oracle
from verdicts import Failed, mebibytes, spread

PEERS = 1000
POOL = ("--workers", "4", "--hash-workers", "2", "--max-peers", "1200", "--heartbeat-ms", "500")


def run(scene):
    data = scene.payload(scene.usual(512 << 20, 48 << 20), scene.usual(1 << 20, 1 << 18))
    # One seeder that answers at every address of 127.0.0.0/8: a peer at each, as far as the other side can see.
    seeders = scene.seeders(data, 1, rate=scene.usual(16 << 20, 8 << 20), network=Everywhere())
    port = seeders.addresses[0].rpartition(":")[2]
    peers = [f"127.1.{number // 250}.{1 + number % 250}:{port}" for number in range(PEERS)]
    run = scene.run(data, peers, *POOL)
    run.wait(f"{PEERS} connections", 60, lambda: run.progress.get("num_peers", 0) >= PEERS)
    connected = run.log.last("progress")["ts"] - run.log.last("start")["ts"]
    interval = killer.logarithmic(scene.random, *scene.usual((1, 4), (0.2, 0.8)))
    hits = killer.Killer(run, scene.random, interval, kills_only=True)
    hits.strike_until(lambda: hits.total >= scene.usual(10, 2) or scene.is_time_over)
    run.wait_for_end(within=240)
    most = max(event.get("num_peers", 0) for event in run.log.of("progress"))
    resident = [sample.resident for sample in run.samples]
    scene.figures.update({
        "connections at a time": most, "all connected after s": connected, **hits.figures(),
        **killer.replacement_figures(run.log),
        "supervisor's memory MiB": spread([count / (1 << 20) for count in resident], 1),
        "payload": mebibytes(data.size), "wall s": run.ended - run.started})
    oracle.after_download(run)
    if most < PEERS:
        raise Failed(f"{most} connections at a time, wanted {PEERS}")


class Everywhere:
    """A network of which every seeder answers at all addresses."""

    def seeder_address(self, _):
        return "0.0.0.0"

    def in_seeder_space(self, command):
        return command
