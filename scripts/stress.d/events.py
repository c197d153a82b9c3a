"""Follows a run's event log (docs/events.md) while it is written."""
import json


class EventLog:
    """`events` has all that was read so far; `torn` counts lines that are no JSON."""

    def __init__(self, path):
        self.path, self.file, self.rest, self.is_closed = path, None, b"", False
        self.events, self.torn = [], 0

    def read(self):
        """Returns what is new."""
        if self.file is None:
            try:
                self.file = open(self.path, "rb")
            except FileNotFoundError:
                return []
        *lines, self.rest = (self.rest + self.file.read()).split(b"\n")
        fresh = []
        for line in lines:
            try:
                fresh.append(json.loads(line))
            except ValueError:
                self.torn += 1
        self.events += fresh
        return fresh

    def close(self):
        self.is_closed = True
        if self.file:
            self.file.close()

    def of(self, kind, state=None):
        return [event for event in self.events
                if event["event"] == kind and (state is None or event.get("state") == state)]

    def pieces(self, *states):
        """Numbers of the pieces that came to one of these states."""
        return {event["index"] for event in self.events if event["event"] == "piece" and event["state"] in states}

    def last(self, kind):
        return next((event for event in reversed(self.events) if event["event"] == kind), None)
