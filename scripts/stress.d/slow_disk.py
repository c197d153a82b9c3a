"""A disk whose calls take long, and one that does not answer for a minute.

Nobody is killed for it: the network waits, and the download goes on when the disk does. A writer that is killed while
the disk holds it cannot be reaped; no second one is started beside it.
"""
import shutil
import signal
import time

import disks
import oracle
from verdicts import Failed, Skipped

SLOW_CALLS = "pwritev,pwritev2,pwrite64,fdatasync,fsync,syncfs,sync_file_range,openat2"
RATE = 16 << 20
# Fast enough that a frozen disk is much longer than three beats.
HEARTBEAT = ("--heartbeat-ms", "500")
# A call of ten seconds is told, at the next heartbeat.
TOLD_AFTER = 11


def run(scene):
    slow_calls(scene, scene.payload(scene.usual(128 << 20, 4 << 20)))
    disk = disks.Ext4(scene, "disk", 1 << 30)
    seconds = scene.usual(60, 4)
    frozen(scene, disk, scene.payload(scene.usual(512 << 20, 32 << 20)), seconds)
    writer_killed(scene, disk, scene.payload(scene.usual(128 << 20, 32 << 20)), scene.usual(15, 2))


def slow_calls(scene, data):
    """Every call of the writer to the disk takes a fifth of a second longer, by strace: two calls for a piece, which is
    1.6 s for a MiB."""
    if not shutil.which("strace"):
        raise Skipped("needs strace")
    delay = f"strace -D -f -qq -o /dev/null -e trace={SLOW_CALLS} -e inject={SLOW_CALLS}:delay_enter=200ms"
    seeders = scene.seeders(data, 1, RATE)
    run = scene.run(data, seeders.addresses, *HEARTBEAT, "--worker-wrap", f"writer={delay}",
                    directory=scene.folder / "out-slow")
    seconds = run.wait_for_end(within=60 + 2 * data.size / (1 << 20))
    scene.figures["200 ms more for each call"] = f"{seconds:.1f} s for {data.size >> 20} MiB"
    oracle.after_download(run)
    nobody_died(run)


def frozen(scene, disk, data, seconds):
    seeders = scene.seeders(data, 1, RATE)
    run = scene.run(data, seeders.addresses, *HEARTBEAT, directory=disk.path / "out", interval="0.1")
    run.wait_for_pieces(20)
    disk.freeze()
    began = time.monotonic()
    run.wait_until(began + seconds)
    written = len(run.log.pieces("written"))
    disk.thaw()
    run.wait_for_end(within=90 + data.size / RATE)
    told = [event["message"] for event in run.log.of("warning") if "has not answered" in event["message"]]
    beats = [event["ts"] for event in run.log.of("progress")]
    gap = max(after - before for before, after in zip(beats, beats[1:]))
    scene.figures[f"frozen for {seconds} s"] = (
        f"{f'told ({told[0]})' if told else 'not told'}, supervisor silent for {gap:.2f} s at most, "
        f"{data.size // data.piece_length - written} pieces after it")
    oracle.after_download(run)
    nobody_died(run)
    if not told and seconds > TOLD_AFTER:
        raise Failed("the user was not told that the disk does not answer")
    if gap > 1:
        raise Failed(f"the supervisor stood still for {gap:.1f} s while the disk was frozen")


def writer_killed(scene, disk, data, seconds):
    seeders = scene.seeders(data, 1, RATE)
    run = scene.run(data, seeders.addresses, *HEARTBEAT, directory=disk.path / "out-killed")
    run.wait_for_pieces(20)
    disk.freeze()
    run.wait_until(time.monotonic() + 1)
    writer = run.workers["writer", 0]
    run.signal_worker(writer, signal.SIGKILL)
    run.wait_until(time.monotonic() + seconds)
    early = [event for event in run.log.of("worker", "replaced") if event["role"] == "writer"]
    alive = ("writer", 0) in run.workers
    disk.thaw()
    run.wait_for_end(within=90)
    scene.figures[f"writer killed, frozen for {seconds} s"] = (
        "held by the disk, replaced after the thaw" if alive else "died at once (it was in no disk call)")
    oracle.after_download(run)
    if alive and early:
        raise Failed("a second writer was started beside one that could not be reaped")


def nobody_died(run):
    dead = [event for event in run.log.of("worker", "dead") if event["status"] != 0]
    if dead:
        raise Failed(f"{dead[0]['role']}.{dead[0]['ordinal']} was killed for the disk's slowness: {dead[0]}")
