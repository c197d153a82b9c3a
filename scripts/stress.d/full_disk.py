"""A disk that is full at the start, half-way, or for ever.

The download pauses and says why, goes on when there is room again, and ends with exit code 9 when there is none for
--stop-timeout; then the same command goes on where it was.
"""
import time

import disks
import oracle
from verdicts import Failed

STOP_TIMEOUT = 3


def run(scene):
    data = scene.payload(scene.usual(128 << 20, 16 << 20))
    small = disks.Tmpfs(scene, "small", data.size + (8 << 20))
    disk = disks.Ext4(scene, "disk", data.size + (64 << 20))
    cases = [(small, "tmpfs, half-way", 0.5), (disk, "ext4, at the start", 0), (small, "tmpfs, at the start", 0),
             (disk, "ext4, half-way", 0.5)]
    for place, name, share in cases[:scene.usual(4, 1)]:
        if not scene.is_time_over:
            room_comes_back(scene, place, name, data, share)
    room_never_comes(scene, disk, data)


def room_comes_back(scene, disk, name, data, share):
    seeders = scene.seeders(data)
    (disk.path / "out").mkdir(exist_ok=True)
    ballast = disk.fill(leaving=int(data.size * share))
    run = scene.run(data, seeders.addresses, directory=disk.path / "out", state=scene.folder / f"state {name}",
                    interval="0.1")
    run.wait("pause", 30, lambda: run.progress.get("phase") == "paused" and run.progress.get("trouble"))
    trouble = run.progress["trouble"]
    run.wait_until(time.monotonic() + scene.usual(12, 2))
    written = len(run.log.pieces("written"))
    ballast.unlink()
    freed = time.monotonic()
    run.wait("piece after the pause", 20, lambda: len(run.log.pieces("written")) > written)
    goes_on = time.monotonic() - freed
    run.wait_for_end(within=60)
    fetched, _, _ = seeders.stop()
    scene.figures[name] = f"paused ('{trouble}'), went on {goes_on:.1f} s after there was room"
    oracle.after_download(run, 0, fetched)
    if died := [event for event in run.log.of("worker", "dead") if event["status"] != 0]:
        raise Failed(f"{name}: {died[0]['role']} died: {died[0]}")
    (disk.path / "out" / data.path.name).unlink()


def room_never_comes(scene, disk, data):
    seeders = scene.seeders(data)
    ballast = disk.fill(leaving=data.size // 2)
    first = scene.run(data, seeders.addresses, "--stop-timeout", STOP_TIMEOUT, directory=disk.path / "out")
    seconds = first.wait_for_end(within=60, code=9)
    oracle.complain([*oracle.left_processes(scene), *oracle.left_run_directories(scene, 0),
                     *oracle.wrong_pieces(data, first.directory, first.log.pieces("synced"), "synced")])
    ballast.unlink()
    second = scene.run(data, seeders.addresses, directory=disk.path / "out")
    second.wait_for_end(within=60)
    oracle.after_download(second)
    again = second.log.pieces("granted") & first.log.pieces("synced")
    scene.figures["never any room"] = (
        f"exit code 9 after {seconds:.1f} s with {len(first.log.pieces('synced'))} pieces synced; {len(again)} of them "
        "fetched again by the next run")
    if again:
        raise Failed(f"{len(again)} synced pieces were fetched again after exit code 9")
