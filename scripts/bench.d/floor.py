"""The floor: what one thread needs that only receives, hashes and writes (Benchmarks/floor.c)."""
import statistics
import subprocess

import backed_memory

ROUNDS = 5


def measure(program, network, seeder, payload, folder):
    """{row: (wall seconds, CPU seconds per GiB)}: medians of rounds that run every row once."""
    command = [program, "--seeder", seeder, "--info-hash", payload.info_hash, "--size", str(payload.size),
               "--piece-length", str(payload.piece_length)]
    hashes, writes = ["--hash"], ["--output", folder / "floor.out"]
    rows = {"receive": [], "receive, hash": hashes, "receive, write": writes, "receive, hash, write": hashes + writes}
    runs = {row: [] for row in rows}
    for _ in range(ROUNDS):
        for row, flags in rows.items():
            with backed_memory.BackedMemory(folder, payload.size):
                done = subprocess.run(network.in_client_space(command + flags), check=True, capture_output=True, text=True)
            runs[row].append(tuple(map(float, done.stdout.split())))
    gibibytes = payload.size / (1 << 30)
    return {row: (statistics.median(wall for wall, _ in costs), statistics.median(cpu for _, cpu in costs) / gibibytes)
            for row, costs in runs.items()}


def table(rows):
    """Hashing and writing as differences to receiving alone, and all three."""
    receiving = rows["receive"][1]
    lines = [f"{'part':24} {'wall s':>8} {'CPU-s per GiB':>14}",
             f"{'receive':24} {rows['receive'][0]:8.3f} {receiving:14.3f}",
             f"{'hash (16 lanes)':24} {'':8} {rows['receive, hash'][1] - receiving:14.3f}",
             f"{'write (page cache)':24} {'':8} {rows['receive, write'][1] - receiving:14.3f}",
             f"{'all three':24} {rows['receive, hash, write'][0]:8.3f} {rows['receive, hash, write'][1]:14.3f}"]
    return "\n".join(lines)
