"""The other side of a download: lean seeders, and a tracker for clients that take peers from nowhere else."""
import os
import pathlib
import signal
import subprocess

PROJECT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = PROJECT / "Tests/EndToEndTests/Tools"
PYTHON = "/usr/bin/python3"


def compile_tool(name, folder, with_sha1=False):
    """Builds Benchmarks/NAME.c into the folder, with this project's SHA-1 if asked to, unless that is newer already."""
    source, program, kernels = PROJECT / "Benchmarks" / f"{name}.c", folder / name, PROJECT / "Sources/Shared/CSHA1"
    sources = [source, *(sorted(kernels.glob("*.c")) if with_sha1 else [])]
    if not program.exists() or program.stat().st_mtime < max(file.stat().st_mtime for file in sources):
        subprocess.run(["gcc", "-O2", f"-I{kernels / 'include'}", "-o", program, *sources], check=True)
    return program


class Server:
    """A started program that has printed its "ready ADDRESS PORT" line."""

    def __init__(self, command):
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        words = self.process.stdout.readline().split()
        if words[:1] != ["ready"]:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"{pathlib.Path(str(command[-1])).name}: the server did not start")
        self.address = f"{words[1]}:{words[2]}"

    def stop(self):
        """Returns (what it printed after the ready line, its CPU seconds). Raises if it had died before."""
        os.kill(self.process.pid, signal.SIGTERM)  # the process is ours until wait4: no poll() by subprocess before
        printed = self.process.stdout.read()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode not in (0, -signal.SIGTERM):
            raise RuntimeError(f"{self.process.args[-1]}: a server died (status {self.process.returncode})")
        self.process.stdin.close()
        self.process.stdout.close()
        return printed, usage.ru_utime + usage.ru_stime


class Seeders:
    """A lean seeder for each address, or one that answers at all of them when there are many; fresh for each run, so that
    its figures belong to that run."""
    most_processes = 32

    def __init__(self, program, network, payload, count, rate):
        self.servers = []
        places = [network.seeder_address(number) for number in range(count)]
        for address in places if count <= self.most_processes else ["0.0.0.0"]:
            self.servers.append(Server(network.in_seeder_space([
                program, "--file", payload.path, "--info-hash", payload.info_hash,
                "--piece-length", payload.piece_length, "--rate", rate, "--listen", f"{address}:0"])))
        ports = [server.address.rpartition(":")[2] for server in self.servers]
        self.addresses = [f"{address}:{ports[number % len(ports)]}" for number, address in enumerate(places)]

    @property
    def pids(self):
        return {server.process.pid for server in self.servers}

    def stop(self):
        """Returns (bytes served, seconds from the first request to the last block, CPU seconds), over all seeders that
        still run: zeros when called again."""
        served, seconds, cpu = 0, 0.0, 0.0
        servers, self.servers = self.servers, []
        for server in servers:
            printed, used = server.stop()
            words = printed.split()
            if words[:1] == ["served"]:
                served, seconds = served + int(words[1]), max(seconds, float(words[2]))
            cpu += used
        return served, seconds, cpu


def peer_options(addresses):
    """What names these peers to our programs and to the tools of the benches."""
    return [word for address in addresses for word in ("--peer", address)]


def start_tracker(network, peers):
    """A tracker that knows these peers, beside the first seeder."""
    return Server(network.in_seeder_space(
        [PYTHON, TOOLS / "tracker.py", "--listen", f"{network.seeder_address(0)}:0", *peer_options(peers)]))
