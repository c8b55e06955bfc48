"""The least that reading an archive back can cost: read each session file, hash it, inflate it, hash that.

``python -m benchmarks.clients.hash_and_inflate ARCHIVE PROCESSES``; no manifest is read and nothing compared.
"""

from __future__ import annotations

import hashlib
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from replay_fetch.api.coding import GZIP, inflater, zstd_frame


def read(path: Path) -> int:
    """Hash a file of frames or members behind each other as it lies there, and what is in it; returns its bytes."""
    stored = path.read_bytes()
    hashlib.sha256(stored)
    rest = stored
    while rest and path.suffix in {".gz", ".zst"}:
        stream = zstd_frame()[0] if path.suffix == ".zst" else inflater(GZIP)
        hashlib.sha256(stream.decompress(rest))
        rest = stream.unused_data
    return len(stored)


def main(archive: Path, processes: int) -> None:
    files = sorted((archive / "sessions").iterdir())
    if processes == 1:
        sum(map(read, files))
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        sum(pool.map(read, files, chunksize=20))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
