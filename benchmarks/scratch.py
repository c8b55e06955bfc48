"""Fresh folders and generated lists."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PRIME = 982_451_653  # so far from a row to the next, each comes once: no number of rows is a multiple of it
MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory is what is wanted


@contextmanager
def scratch(folder: Path | None) -> Iterator[Path]:
    """A fresh folder in ``folder``, or in memory where the system has that; gone afterwards.

    Files in memory leave out the disk, whose pace after earlier mass deletes is another one each time.
    """
    place = folder or (MEMORY if MEMORY.is_dir() else None)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="replay-fetch-benchmark-", dir=place))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def settle(folder: Path) -> None:
    """Let the disk finish with what earlier runs wrote, where there is a disk."""
    if not folder.is_relative_to(MEMORY):
        os.sync()


def write_list(path: Path, sessions: int, views: int = 1, *, shuffled: bool = False) -> Path:
    """A list of made-up ids, always the same ones: ``views`` of each session, together or in no order."""
    rows = sessions * views
    step = _PRIME if shuffled else 1
    with path.open("w", encoding="utf-8") as file:
        file.write("session_id,view_id\n")
        for row in range(rows):
            session, view = divmod(row * step % rows, views)
            session_id = uuid.UUID(int=(session + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)
            file.write(f"{session_id},{uuid.UUID(int=(session_id.int + view + 1) % 2**128)}\n")
    return path
