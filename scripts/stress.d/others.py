"""Leechers of other makes in one network namespace, each at an address of its own, that find peers by the torrent's
tracker alone. Each tells whether it has everything, and how many bytes it gave to others."""
import json
import re
import socket
import subprocess
import xmlrpc.client

from isolation import die_with_us
from servers import PYTHON, TOOLS
from verdicts import Failed

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
PORT = 6881


class Leecher:
    """`folder` gets what is fetched, in `out`, and what the program prints. `program` is what must be installed."""
    name = program = ""

    def __init__(self, scene, space, address, data):
        self.space, self.address, self.data = space, address, data
        self.folder = scene.folder / self.name
        self.output = self.folder / "out"
        self.output.mkdir(parents=True)
        environment = {"PATH": scene.environment["PATH"], "LANG": "C.UTF-8", "HOME": str(self.folder), "TERM": "dumb"}
        with open(self.folder / "printed", "wb") as printed:
            self.process = subprocess.Popen(
                list(map(str, space.inside(self.command()))), stdin=subprocess.DEVNULL, stdout=printed, stderr=printed,
                env=environment, cwd=self.folder, preexec_fn=die_with_us)
        scene.at_end(self.stop)

    def command(self):
        raise NotImplementedError

    def is_complete(self):
        raise NotImplementedError

    def given(self):
        """Bytes."""
        raise NotImplementedError

    def printed(self):
        return (self.folder / "printed").read_text(errors="replace")

    def look(self):
        if self.process.poll() is not None:
            raise Failed(f"{self.name} ended with {self.process.returncode}: {self.printed().strip()[-300:]}")

    def stop(self):
        """Lets it say goodbye to the tracker. Does nothing when called again."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Libtorrent(Leecher):
    name, program = "libtorrent", PYTHON

    def command(self):
        return [PYTHON, TOOLS / "leech_libtorrent.py", self.data.torrent, self.output,
                "--listen", f"{self.address}:0", "--announce"]

    def is_complete(self):
        return "\ncomplete\n" in self.printed()

    def given(self):
        return max(map(int, re.findall(r"^gave (\d+)$", self.printed(), re.MULTILINE)), default=0)


class Aria2(Leecher):
    name, program = "aria2", "aria2c"

    def command(self):
        return ["aria2c", "--no-conf=true", "--dir", self.output, "--seed-ratio=0.0", f"--interface={self.address}",
                f"--listen-port={PORT}", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
                "--file-allocation=none", "--summary-interval=1", self.data.torrent]

    def is_complete(self):
        return "SEED(" in self.printed()

    def given(self):
        told = re.findall(r" UL:[0-9.]+[KMG]?i?B\(([0-9.]+)([KMG]?i?B)\)", self.printed())
        return int(float(told[-1][0]) * UNITS[told[-1][1]]) if told else 0


class RTorrent(Leecher):
    name, program = "rtorrent", "rtorrent"

    def command(self):
        (self.folder / "session").mkdir()
        settings = self.folder / "rtorrent.rc"
        settings.write_text("\n".join((
            "system.daemon.set = true", f"session.path.set = {self.folder}/session",
            f"directory.default.set = {self.output}", f"network.bind_address.set = {self.address}",
            f"network.port_range.set = {PORT}-{PORT}", "network.port_random.set = no", "dht.mode.set = disable",
            f"network.scgi.open_local = {self.folder}/scgi", f'schedule2 = load, 0, 0, "load.start={self.data.torrent}"',
            "")))
        return ["rtorrent", "-n", "-o", f"import={settings}"]

    def is_complete(self):
        return self._ask("d.complete") == 1

    def given(self):
        return self._ask("d.up.total") or 0

    def _ask(self, method):
        """By XML-RPC over SCGI. None while it is not there, or does not know the torrent yet."""
        body = xmlrpc.client.dumps((self.data.info_hash.upper(),), method).encode()
        head = f"CONTENT_LENGTH\0{len(body)}\0SCGI\0001\0".encode()
        answer = b""
        try:
            with socket.socket(socket.AF_UNIX) as connected:
                connected.settimeout(5)
                connected.connect(str(self.folder / "scgi"))
                connected.sendall(f"{len(head)}:".encode() + head + b"," + body)
                while part := connected.recv(65536):
                    answer += part
            return xmlrpc.client.loads(answer.partition(b"\r\n\r\n")[2])[0][0]
        except (OSError, xmlrpc.client.Fault):
            return None


class Transmission(Leecher):
    name, program = "transmission", "transmission-daemon"

    def command(self):
        settings = {
            "bind-address-ipv4": self.address, "peer-port": PORT, "port-forwarding-enabled": False,
            "dht-enabled": False, "lpd-enabled": False, "utp-enabled": False, "encryption": 0,
            "download-dir": str(self.output), "watch-dir-enabled": True, "watch-dir": str(self.folder / "watch"),
            "rpc-enabled": True, "rpc-bind-address": self.address, "rpc-whitelist-enabled": False,
            "rpc-host-whitelist-enabled": False, "trash-original-torrent-files": False}
        (self.folder / "settings.json").write_text(json.dumps(settings))
        (self.folder / "watch").mkdir()
        (self.folder / "watch/payload.torrent").write_bytes(self.data.torrent.read_bytes())
        return ["transmission-daemon", "--foreground", "--config-dir", self.folder]

    def is_complete(self):
        return "Percent Done: 100%" in self._listing()

    def given(self):
        told = re.search(r"Uploaded: ([0-9.]+) ([kMG]?B)", self._listing())
        return int(float(told[1]) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[told[2]]) if told else 0

    def _listing(self):
        asked = subprocess.run(
            self.space.inside(["transmission-remote", f"{self.address}:9091", "--torrent", "all", "--info"]),
            capture_output=True, text=True, check=False, timeout=10)
        return asked.stdout


KINDS = (Libtorrent, Aria2, RTorrent, Transmission)
