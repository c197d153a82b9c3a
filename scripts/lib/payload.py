"""The data that every client downloads: one random file, and its torrent. Made once and kept for the next time."""
import dataclasses
import os
import pathlib
import subprocess

from saying import say
from servers import PYTHON, TOOLS

CHUNK = 4 << 20


@dataclasses.dataclass(frozen=True)
class Payload:
    path: pathlib.Path
    torrent: pathlib.Path
    size: int
    piece_length: int
    info_hash: str
    file_count: int = 1

    def is_equal(self, folder):
        """Whether a client has downloaded the right bytes to the folder."""
        result = folder / self.path.name
        if self.file_count == 1:
            return subprocess.run(["cmp", "--quiet", result, self.path], check=False).returncode == 0
        with open(self.path, "rb") as source:
            for path in sorted(file for file in result.rglob("*") if file.is_file()):
                data = path.read_bytes()
                if data != source.read(len(data)):
                    return False
            return source.read(1) == b""


def make(folder, size, piece_length, file_count=1):
    """Returns the payload in `folder`, made anew only if it is not there in this size. As a torrent of several files it is
    the same bytes, cut."""
    path = folder / f"payload-{size}.bin"
    name = f"payload-{size}-{piece_length}" + (f"-{file_count}" if file_count > 1 else "")
    torrent, note = folder / f"{name}.torrent", folder / f"{name}.hash"
    if not path.exists() or path.stat().st_size != size:
        say(f"writing {size >> 20} MiB of random data")
        with open(path, "wb") as file:
            for start in range(0, size, CHUNK):
                file.write(os.urandom(min(CHUNK, size - start)))
        note.unlink(missing_ok=True)
    if not (note.exists() and torrent.exists() and note.stat().st_mtime >= path.stat().st_mtime):
        command = [PYTHON, TOOLS / "make_torrent.py", path, "-o", torrent, "--piece-length", str(piece_length)]
        if file_count > 1:
            command += ["--cut", str(file_count)]
        made = subprocess.run(command, check=True, capture_output=True, text=True)
        note.write_text(made.stdout)
    return Payload(path, torrent, size, piece_length, note.read_text().strip(), file_count)
