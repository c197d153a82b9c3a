"""Owns who of a run's workers is hit, when and how: drawn by lots, within the restart limit."""
import collections
import signal
import time

from verdicts import spread

# Deaths before `ready` count, and five in a row give a place up (README, exit code 40): that is another promise.
MOST_UNREADY_DEATHS = 3
# Of a hundred: the others are SIGKILL.
STOP_SHARE, PAUSE_SHARE = 8, 8
LONGEST_PAUSE = 1.0

Death = collections.namedtuple("Death", "role ordinal generation ts held ready_after")


class Killer:
    """Draws from the scene's lots. `interval()` gives the seconds to the next blow."""

    def __init__(self, run, random, interval, kills_only=False):
        self.run, self.random, self.interval, self.kills_only = run, random, interval, kills_only
        self.counts = collections.Counter()
        self.unready = collections.Counter()
        self.paused = []

    @property
    def total(self):
        return self.counts.total()

    def strike_until(self, is_done):
        """Strikes until `is_done()` or the run's end. Nobody is left standing still on purpose of ours."""
        following = time.monotonic()
        while not is_done() and not self.run.has_ended:
            following = max(time.monotonic(), following + self.interval())
            if not self._wait(following):
                break
            self.strike()
        for _, worker in self.paused:
            self.run.signal_worker(worker, signal.SIGCONT)

    def _wait(self, moment):
        """False when the run has ended. Lets those go on whose pause is over."""
        while self.paused and self.paused[0][0] < moment:
            until, worker = self.paused.pop(0)
            self.run.wait_until(until)
            self.run.signal_worker(worker, signal.SIGCONT)
        return self.run.wait_until(moment)

    def strike(self):
        """One blow at one worker; none where there is nobody to be hit."""
        victims = [worker for worker in self.run.workers.values()
                   if worker.is_ready or self.unready[worker[:2]] < MOST_UNREADY_DEATHS]
        if not victims:
            return
        worker = self.random.choice(sorted(victims))
        lot = 100 if self.kills_only else self.random.randrange(100)
        how = "SIGSTOP" if lot < STOP_SHARE else "pause" if lot < STOP_SHARE + PAUSE_SHARE else "SIGKILL"
        if self.run.signal_worker(worker, signal.SIGKILL if how == "SIGKILL" else signal.SIGSTOP):
            self.counts[worker.role, how] += 1
            self.unready[worker[:2]] = 0 if worker.is_ready else self.unready[worker[:2]] + 1
            if how == "pause":
                self.paused.append((time.monotonic() + self.random.uniform(0.05, LONGEST_PAUSE), worker))
                self.paused.sort()

    def figures(self):
        kinds = collections.Counter()
        for (_, how), count in self.counts.items():
            kinds[how] += count
        roles = collections.Counter()
        for (role, _), count in self.counts.items():
            roles[role] += count
        return {"blows": self.total,
                "of which": ", ".join(f"{count} {name}" for name, count in sorted((kinds + roles).items()))}


def logarithmic(random, shortest, longest):
    """A function that draws seconds between two bounds, every decade as often as any other."""
    return lambda: shortest * (longest / shortest) ** random.random()


def deaths(log):
    """Every death but the orderly ones. `ready_after` are the seconds until the next generation was ready; None if that
    one died before."""
    found = []
    ready = {(event["role"], event["ordinal"], event["generation"]): event["ts"] for event in log.of("worker", "ready")}
    for event in log.of("worker", "dead"):
        if event["status"] != 0:
            after = ready.get((event["role"], event["ordinal"], event["generation"] + 1))
            found.append(Death(event["role"], event["ordinal"], event["generation"], event["ts"], event["held"],
                               after - event["ts"] if after else None))
    return found


def replacement_figures(log):
    """How long after a death its successor was ready, over all roles and by role."""
    found = [death for death in deaths(log) if death.ready_after is not None]
    figures = {"replaced after s": spread([death.ready_after for death in found])}
    for role in sorted({death.role for death in found}):
        figures[f"  {role}"] = spread([death.ready_after for death in found if death.role == role])
    return figures
