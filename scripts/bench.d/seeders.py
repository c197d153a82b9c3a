"""The clients whose uploads are compared: how each is told to seed one torrent, and how it says that it does."""
import dataclasses
import time
import typing

from servers import PYTHON, TOOLS, compile_tool


@dataclasses.dataclass(frozen=True)
class SeedingClient:
    """`command` makes the argument list from (payload, address, port, state folder); `sign` is in its output when every
    byte is checked."""
    name: str
    command: typing.Callable
    sign: str

    def wait(self, process, log):
        """Returns when it seeds. Raises RuntimeError when it does not."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if self.sign in log.read_text(encoding="utf-8", errors="replace"):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name}: it does not seed: {log.read_text(errors='replace')[-300:]}")


def ours(options):
    def command(data, address, port, state):
        return [f"{options.bin_dir}/supervisor", "--workers", str(options.workers), "--no-tracker", "--seed", "--bind",
                address, "--listen-port", str(port), "--state-dir", str(state), "--progress", "json", "--interval", "1",
                "-d", str(data.path.parent), str(data.torrent)]
    return SeedingClient("ours", command, '"event":"complete"')


def libtorrent(_):
    def command(data, address, port, _):
        return [PYTHON, str(TOOLS / "seed_libtorrent.py"), str(data.torrent), str(data.path.parent), "--listen",
                f"{address}:{port}", "--no-tracker", "--encryption", "off"]
    return SeedingClient("libtorrent", command, "ready ")


def aria2(_):
    def command(data, address, port, state):
        return ["aria2c", "--no-conf", f"--dir={data.path.parent}", "--enable-dht=false", "--enable-dht6=false",
                "--bt-enable-lpd=false", "--enable-peer-exchange=false", "--seed-ratio=0.0", "--check-integrity=true",
                f"--listen-port={port}", "--bt-exclude-tracker=*", "--file-allocation=none", "--summary-interval=1",
                str(data.torrent)]
    return SeedingClient("aria2", command, "SEED(")


def bare(options):
    """A loop of epoll and sendfile and nothing else: what the machine itself takes."""
    program = compile_tool("lean-seeder", options.work_dir)

    def command(data, address, port, _):
        return [str(program), "--file", str(data.path), "--info-hash", data.info_hash, "--piece-length",
                str(data.piece_length), "--listen", f"{address}:{port}"]
    return SeedingClient("bare loop", command, "ready ")


KNOWN = {"ours": ours, "bare": bare, "libtorrent": libtorrent, "aria2": aria2}


def choose(name, options):
    return KNOWN[name](options)
