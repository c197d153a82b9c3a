"""Peers that lie or misbehave, all played by one process of Tests/EndToEndTests/Tools/hostile_peer.py."""
import json
import subprocess

from servers import PYTHON, TOOLS


class HostilePeers:
    """`modes` as `hostile_peer.py --help` lists them; `addresses` in the same order."""

    def __init__(self, scene, data, modes, rate):
        self.record_path = scene.folder / f"hostile-{scene.next_number()}.ndjson"
        command = [PYTHON, TOOLS / "hostile_peer.py", data.torrent, data.path.parent, "--record", self.record_path,
                   "--seed", str(scene.random.randrange(1 << 30)),
                   *(word for mode in modes for word in ("--mode", mode)),
                   *(("--rate", str(rate)) if rate else ())]
        # Ends with its standard input.
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        words = self.process.stdout.readline().split()
        if words[:1] != ["ready"]:
            self.stop()
            raise RuntimeError("the hostile peers did not start")
        self.addresses = [f"{words[1]}:{port}" for port in words[2:]]

    def records(self):
        with open(self.record_path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
