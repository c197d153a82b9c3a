"""The clients that are compared: how each is told to download one torrent from given peers and then to exit."""
import dataclasses
import pathlib
import shutil
import typing

from servers import PYTHON, peer_options

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Client:
    """`command` makes the argument list from (torrent, output folder, peers, tracker URL or None)."""
    name: str
    command: typing.Callable
    needs_tracker: bool = False


def ours(bin_dir, workers, sync):
    def command(torrent, folder, peers, _):
        # The state is beside the output, so that a run begins without a journal of the one before.
        return [f"{bin_dir}/supervisor", "--workers", str(workers), "--no-tracker", "--no-lsd",
                "--progress", "none", "--state-dir", f"{folder}/state", *(["--sync", sync] if sync else []),
                *peer_options(peers), "-d", folder, torrent]
    return Client(f"ours {workers}w" + (f" sync={sync}" if sync else ""), command)


def libtorrent():
    def command(torrent, folder, peers, _):
        return [PYTHON, str(HERE / "libtorrent_client.py"), torrent, folder,
                *peer_options(peers)]
    return Client("libtorrent", command)


def aria2():
    """aria2 takes peers from trackers only."""
    def command(torrent, folder, _, tracker):
        return ["aria2c", "--no-conf", "--quiet", f"--dir={folder}", "--enable-dht=false", "--enable-dht6=false",
                "--bt-enable-lpd=false", "--enable-peer-exchange=false", "--seed-time=0", "--file-allocation=none",
                "--follow-torrent=mem", f"--bt-tracker={tracker}", torrent]
    return Client("aria2", command, needs_tracker=True)


def choose(names, workers, bin_dir):
    """The clients with these names, in this order; "ours" is one per number of workers and kind of sync."""
    chosen = []
    for name in names:
        if name == "ours":
            chosen += [ours(bin_dir, count, sync) for count in workers for sync in (None, "none")]
        elif name == "libtorrent":
            chosen.append(libtorrent())
        elif name == "aria2":
            if not shutil.which("aria2c"):
                raise LookupError("aria2c is not installed")
            chosen.append(aria2())
        else:
            raise LookupError(f"no client '{name}' (ours, libtorrent, aria2)")
    return chosen
