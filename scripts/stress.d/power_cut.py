"""The power fails at random times: ext4 on a loop device, shut down without a flush, mounted again.

Every piece that the journal then claims has to re-hash right, `verify` must find the same, and the next start must go
on from there and end with the source's bytes.
"""
import json
import subprocess
import time

import disks
import journal
import oracle
from verdicts import Failed, spread

LONGEST_LIFE = 3.0
POOL = ("--workers", "2", "--hash-workers", "1")


def run(scene):
    count = scene.count(50, 2)
    data = scene.payload(scene.usual(256 << 20, 24 << 20))
    disk = disks.Ext4(scene, "disk", data.size + (128 << 20))
    seeders = scene.seeders(data, 2, rate=int(data.size / 2 / scene.usual(25, 8)))
    out, state = disk.path / "out", disk.path / "state"
    claims, lost, completed, torn = [], [], 0, 0
    for number in range(1, count + 1):
        if scene.is_time_over:
            count = number - 1
            break
        run = scene.run(data, seeders.addresses, *POOL, directory=out, state=state, interval="0.1")
        lived = run.wait_until(time.monotonic() + scene.random.uniform(scene.usual(0.05, 1), LONGEST_LIFE))
        disk.cut_power()
        run.kill()
        oracle.complain(oracle.left_processes(scene))
        disk.unmount()
        disk.mount()
        claimed, was_torn = claims_of(state)
        torn += was_torn
        promised = run.log.pieces("synced")
        check_claims(scene, data, out, claimed, promised, number)
        claims.append(len(claimed))
        lost.append(len(run.log.pieces("written") - claimed))
        if not lived:
            completed += finished(run, out, state)
    run = scene.run(data, seeders.addresses, *POOL, directory=out, state=state)
    run.wait_for_end(within=120)
    oracle.after_download(run)
    scene.figures.update({
        "power cuts": f"{count} of {count} sound", "downloads ended before": completed,
        "pieces claimed after a cut": spread(claims, 0), "written, not synced, lost": spread(lost, 0),
        "journals with a torn end": torn})


def claims_of(state):
    """What the journal says after the cut; nothing when there is none yet."""
    found = list(state.glob("*.journal")) if state.exists() else []
    return journal.claimed_pieces(found[0]) if found else (set(), False)


def check_claims(scene, data, out, claimed, promised, number):
    problems = oracle.wrong_pieces(data, out, claimed, "journalled")
    if missing := promised - claimed:
        problems.append(f"{len(missing)} pieces were announced as synced and are not in the journal, such as "
                        f"{min(missing)}")
    if claimed:
        verified = subprocess.run(
            [scene.program("supervisor"), "verify", data.torrent, "--dir", out, "--json", "--progress", "none"],
            env=scene.environment, capture_output=True, text=True, check=False)
        report = json.loads(verified.stdout.splitlines()[-1])
        if wrong := claimed & (set(report["wrong"]) | set(report["missing"])):
            problems.append(f"`verify` finds {len(wrong)} journalled pieces bad, such as {min(wrong)}")
        if verified.returncode not in (0, 32):
            problems.append(f"`verify` ended with {verified.returncode}")
    if problems:
        raise Failed(f"cut {number}: " + "; ".join(problems))


def finished(run, out, state):
    """A run that was complete before the cut: the next download begins anew."""
    if run.process.returncode != 0:
        raise Failed(f"run {run.number} ended with {run.process.returncode}: {run.said()}")
    oracle.complain(oracle.different_files(run))
    for folder in (out, state):
        for path in folder.iterdir():
            path.unlink()
    return 1
