"""Small archives to be damaged, and what verifying them finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
from archives import WIDE, Job, downloaded

from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.read.verify import Problem
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.inspect.verification import Verification
from replay_fetch.inspect.verify import Verifying
from replay_fetch.settings import ArchiveSettings, Compression, PlanSettings
from replay_fetch.simulator import SimulatorSettings

VIEWS = 5
"""Two sessions: few enough bytes to read again for every bit that is flipped."""


def make(out: Path, compression: Compression = Compression.NONE) -> Path:
    """An archive of the first views of the recordings."""
    job = Job(archive=ArchiveSettings(compression), plan=PlanSettings(max_views=VIEWS))
    anyio.run(downloaded, SimulatorSettings(limit=WIDE), out, job)
    return out


def verified(root: Path) -> Verification:
    """What verifying in this process finds."""
    return Verifying(DiskShelf(root), Processes(1), None).run()


def problems(root: Path) -> list[tuple[Problem, str]]:
    """What is wrong with which file."""
    return [(finding.problem, finding.file) for finding in verified(root).findings]


def session_files(root: Path) -> list[Path]:
    """The files of ``sessions/``, by name."""
    return sorted((root / "sessions").iterdir())


def manifest(root: Path) -> list[dict[str, Any]]:  # Any: the manifest's own values
    """The manifest's lines."""
    return [json.loads(line) for line in (root / "manifest.ndjson").read_bytes().splitlines()]


def write_manifest(root: Path, lines: list[dict[str, Any]]) -> None:  # Any: as above
    """Write the manifest anew."""
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    (root / "manifest.ndjson").write_text(text, "utf-8")


@contextmanager
def flipped(path: Path, at: int, bit: int) -> Iterator[None]:
    """One bit of a file is the other way round in this context."""
    _flip(path, at, bit)
    try:
        yield
    finally:
        _flip(path, at, bit)


def _flip(path: Path, at: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))
