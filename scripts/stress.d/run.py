"""One supervisor under stress: starts it, follows its events, knows its workers, and watches what it holds."""
import collections
import os
import signal
import subprocess
import time

import processes
from events import EventLog
from isolation import die_with_us
from verdicts import Failed

SAMPLE_SECONDS = 0.25
LOOK_SECONDS = 0.005

Worker = collections.namedtuple("Worker", "role ordinal generation pid is_ready since")
# Taken while every worker is ready, from the first piece on. `descriptors` are what each of the supervisor's is, `others` their number by place.
Sample = collections.namedtuple("Sample", "time descriptors resident others")


class Run:
    """`arguments` are the supervisor's beyond the usual ones, `before` words in front of it, such as `ip netns exec`.
    `sources` says where peers come from, beyond `peers`.

    The environment has nothing of the user's settings, and is the mark by which the run's processes are known."""

    def __init__(self, scene, payload, peers, *arguments, before=(), directory=None, state=None, interval="0.25",
                 sources=("--no-tracker", "--listen-port", "off")):
        self.scene, self.payload = scene, payload
        self.number = scene.next_number()
        self.directory = directory or scene.folder / "out"
        self.state = state or scene.folder / "state"
        self.log_path = scene.folder / f"run-{self.number}.log"
        self.log = EventLog(scene.folder / f"run-{self.number}.events")
        self.workers, self.samples, self.place_count = {}, [], None
        self.next_sample, self.has_begun = 0.0, False
        command = [*before, scene.program("supervisor"), *sources, "--progress", "none", "--interval", interval,
                   "--dir", self.directory, "--state-dir", self.state, "--events", self.log.path,
                   "--log", self.log_path, "--log-level", "info",
                   *(word for peer in peers for word in ("--peer", peer)), *arguments, payload.torrent]
        self.started = time.monotonic()
        self.ended = None
        with open(scene.folder / f"run-{self.number}.output", "wb") as output:
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, env=scene.environment, preexec_fn=die_with_us)
        self.pid = self.process.pid
        scene.at_end(self.kill)

    # What it says

    def look(self):
        """Reads new events, and samples now and then, once pieces come: what a torrent has open once is open then.
        Returns the events."""
        fresh = self.log.read()
        for event in fresh:
            if event["event"] == "start":
                self.place_count = event["workers"] + event["hash_workers"] + 1
            elif event["event"] == "worker":
                self._worker_changed(event)
            elif event["event"] == "piece":
                self.has_begun = True
        now = time.monotonic()
        if now >= self.next_sample and self.has_begun and self.is_whole:
            self.next_sample = now + SAMPLE_SECONDS
            self._sample(now)
        return fresh

    def _worker_changed(self, event):
        place = (event["role"], event["ordinal"])
        if event["state"] == "dead":
            self.workers.pop(place, None)
        else:
            self.workers[place] = Worker(*place, event["generation"], event["pid"], event["state"] == "ready",
                                         event["ts"])

    @property
    def is_whole(self):
        """Every place has a worker that is ready."""
        return self.place_count is not None and len(self.workers) == self.place_count and all(
            worker.is_ready for worker in self.workers.values())

    def _sample(self, now):
        open_now = processes.descriptors(self.pid)
        if open_now and not self.has_ended:
            others = {place: processes.descriptor_count(worker.pid) for place, worker in self.workers.items()}
            self.samples.append(Sample(now, open_now, processes.resident_bytes(self.pid), others))

    @property
    def progress(self):
        return self.log.last("progress") or {}

    def said(self):
        """The end of what it wrote to the terminal."""
        text = (self.scene.folder / f"run-{self.number}.output").read_text(errors="replace").strip()
        return text.splitlines()[-1] if text else "nothing"

    # Waiting

    @property
    def has_ended(self):
        if self.ended is None and self.process.poll() is not None:
            self.ended = time.monotonic()
        return self.ended is not None

    def wait(self, what, within, condition):
        """Waits until `condition()` holds, which is asked after each look. Fails when the run ends before."""
        deadline = time.monotonic() + within
        while True:
            ended = self.has_ended
            self.look()
            if found := condition():
                return found
            if ended:
                raise Failed(f"run {self.number} ended with {self.process.returncode} before {what}: {self.said()}")
            if time.monotonic() > deadline:
                raise Failed(f"run {self.number}: no {what} within {within:.0f} s (trouble: "
                             f"{self.progress.get('trouble')}, peers: {self.progress.get('num_peers')})")
            time.sleep(LOOK_SECONDS)

    def wait_until(self, moment):
        """Goes on looking until a moment of the monotonic clock. Returns False when the run ended before."""
        while (left := moment - time.monotonic()) > 0:
            if self.has_ended:
                return False
            self.look()
            time.sleep(min(LOOK_SECONDS, left))
        return not self.has_ended

    def wait_for_pieces(self, count, state="written", within=60):
        self.wait(f"{count} pieces {state}", within, lambda: len(self.log.pieces(state)) >= count)

    def wait_for_end(self, within, code=0):
        """Waits for the end with this exit code; returns the seconds since the start."""
        deadline = time.monotonic() + within
        while not self.has_ended:
            if time.monotonic() > deadline:
                done, progress = len(self.log.pieces("synced")), self.progress
                raise Failed(f"run {self.number} has not ended after {within:.0f} s: {done} pieces synced, peers "
                             f"{progress.get('num_peers')}, trouble {progress.get('trouble')}")
            self.look()
            time.sleep(LOOK_SECONDS)
        self.look()
        if self.process.returncode != code:
            raise Failed(f"run {self.number} ended with {self.process.returncode} instead of {code}: {self.said()}")
        return self.ended - self.started

    # Signals

    def signal_worker(self, worker, number):
        """Returns False when it is gone."""
        return processes.send(worker.pid, self.pid, number)

    def send(self, number):
        if not self.has_ended:
            os.kill(self.pid, number)

    def kill(self):
        """The end by SIGKILL, whatever it does; reads the last events. Does nothing when called again."""
        if not self.has_ended:
            self.process.kill()
            self.process.wait()
            self.ended = time.monotonic()
        if not self.log.is_closed:
            self.look()
            self.log.close()

    def stop(self, within=10.5):
        """The orderly end."""
        self.send(signal.SIGTERM)
        self.wait_for_end(within, code=7)
