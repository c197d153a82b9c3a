#!/usr/bin/python3
"""Makes the files of a test torrent: pseudo-random bytes, the same for the same seed.

Layouts: single (one file NAME), many (NAME/ with nested folders, sizes that fit no block or piece), zero (like many,
with files of no bytes between, first and last), tiny (NAME/ with files far smaller than a block, many in a piece).
Prints the number of files and bytes. Needs no library.
"""
import argparse
import pathlib
import random

CHUNK = 1 << 20


def parse_size(text):
    """"12", "64K", "256M" or "1G" in bytes; K, M and G are powers of 1024."""
    factor = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:].upper(), 1)
    return int(text[:-1] if factor > 1 else text) * factor


def write_random(path, size, generator):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        for start in range(0, size, CHUNK):
            file.write(generator.randbytes(min(CHUNK, size - start)))


def split(total, weights):
    """Sizes that add up to `total`, in proportion to the weights, none a round number on purpose."""
    sizes = [total * weight // sum(weights) for weight in weights]
    sizes[-1] += total - sum(sizes)
    return sizes


def plan(layout, name, size):
    """Returns [(path, size)] in torrent order."""
    root = pathlib.PurePosixPath(name)
    if layout == "single":
        return [(root, size)]
    if layout == "tiny":
        count = max(2, size // 1000)
        return [(root / f"part-{index // 50:03}" / f"{index:05}.dat", length)
                for index, length in enumerate(split(size, [1] * count))]
    names = ["a.bin", "b/one.bin", "b/two.bin", "b/deep/er/est.bin", "c d ü.bin", "z.bin"]
    files = [(root / path, length) for path, length in zip(names, split(size, [7, 1, 31, 3, 13, 5]))]
    if layout == "zero":
        empty = [(root / name, 0) for name in ("0-first.bin", "b/nothing.bin", "zz-last.bin")]
        files = [empty[0], *files[:2], empty[1], *files[2:], empty[2]]
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=pathlib.Path, help="file or folder to make; its last part is the torrent's name")
    parser.add_argument("--layout", choices=["single", "many", "zero", "tiny"], default="single")
    parser.add_argument("--size", type=parse_size, default=parse_size("8M"), help="bytes of all files (K, M, G; 8M)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    files = plan(options.layout, options.path.name, options.size)
    for path, size in files:
        write_random(options.path.parent / path, size, generator)
    print(len(files), sum(size for _, size in files))


if __name__ == "__main__":
    main()
