"""How much may be sent twice: what was in flight when a worker died, and what the end game asked of two peers."""

SLOT = 1 << 14
FRAME = 1 << 16
# Requests that one connection may have outstanding: what a peer queues that does not tell (BEP 10, `reqq`).
WINDOW = 250 * SLOT


def duplicates(log):
    """Bytes that came and were thrown away, mostly blocks that two peers were asked for."""
    return log.last("progress")["wasted_length"]


def most_lost(log, piece_length):
    """Bytes: of a dead peer-worker the blocks in its slots and the windows of its connections; of pieces that were
    opened again without a verdict (two deaths of their hash-worker in a row) all."""
    connections, opened, count = {}, set(), 0
    for event in log.events:
        kind, state = event["event"], event.get("state")
        if kind == "peer" and state == "connected":
            connections.setdefault(event["worker"], set()).add(event["address"])
        elif kind == "peer" and state == "closed":
            connections.get(event["worker"], set()).discard(event["address"])
        elif kind == "worker" and state == "dead" and event["role"] == "peer" and event["status"] != 0:
            count += event["held"] * SLOT + len(connections.pop(event["ordinal"], ())) * WINDOW
        elif kind == "piece" and state == "granted":
            if event["index"] in opened:
                count += piece_length
            opened.add(event["index"])
    return count
