"""The shard of a list: which sessions are its own, and under which name its files lie.

A list is dealt to N shards by the hash of the session's id, so no run has to ask another which sessions it takes.
Archives on a disk and in a store share these rules.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

AUTO = "auto"
COUNT = "REPLAY_FETCH_SHARDS"
"""The variable that says how many shards there are, for systems that tell an array's members only their index."""
MOST = 1000

_WRITTEN = re.compile(r"\s*(-?\d{1,9})\s*/\s*(-?\d{1,9})\s*")
_NAME = re.compile(r"(\d{2,4})-of-(\d{2,4})")
_SLURM_FIRST, _SLURM_STEP = "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"
# The variables of a member's index and of the array's size, by the system that sets them. Kubernetes sets no size.
_SYSTEMS = {
    "Kubernetes": ("JOB_COMPLETION_INDEX", ""),
    "AWS Batch": ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
    "Cloud Run": ("CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"),
    "Slurm": ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"),
}


@dataclass(frozen=True, slots=True)
class ShardId:
    """A shard's number among all shards of an archive; ``index`` counts from 0, so the last one is ``count`` - 1."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def name(self) -> str:
        """Name the shard's files and folders, such as ``03-of-08``; names sort in the order of the indexes."""
        digits = max(2, len(str(self.count)))
        return f"{self.index:0{digits}}-of-{self.count:0{digits}}"

    def owns(self, session_id: str) -> bool:
        """Tell whether the session belongs to the shard.

        Ids that differ in upper and lower case alone belong to the same shard, where the ledger finds that they clash.
        """
        return index_of(session_id, self.count) == self.index

    def owns_file(self, name: str) -> bool:
        """Tell whether a file of ``sessions/`` is one of the shard's, by its name there."""
        return self.owns(name.partition(".")[0])

    @property
    def manifest(self) -> str:
        """The name of the shard's manifest relative to the archive."""
        return f"manifest/{self.name}.ndjson"

    @property
    def report(self) -> str:
        """The name of the shard's report relative to the archive."""
        return f"report/{self.name}.json"

    def siblings(self) -> list[Self]:
        """List all shards of the archive, this one among them, in the order of their indexes."""
        return [type(self)(index, self.count) for index in range(self.count)]


def index_of(session_id: str, count: int) -> int:
    """Return the index of the shard, of ``count``, that a session belongs to: the same on every machine, for ever."""
    digest = hashlib.sha256(session_id.lower().encode("ascii", "surrogateescape")).digest()
    return int.from_bytes(digest[:8]) % count


def checked(index: int, count: int) -> ShardId:
    """Make a shard of two numbers; raises ValueError where no shard has them."""
    if not 1 <= count <= MOST:
        raise ValueError(f"there must be from 1 to {MOST} shards, not {count}")
    if not 0 <= index < count:
        raise ValueError(
            f"{index}/{count} is no shard: they count from 0, so the last of {count} is {count - 1}/{count}"
        )
    return ShardId(index, count)


def named(name: str) -> ShardId | None:
    """Return the shard whose files have that name, such as ``03-of-08``; None for any other name."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    shard = ShardId(int(found[1]), int(found[2]))
    return shard if shard.index < shard.count and shard.name == name else None


def read_shard(text: str) -> ShardId:
    """Read a shard as it is typed: ``3/8``, or ``auto``, which asks the environment of an array job.

    Raises ValueError for other text, for numbers out of range, and where the environment does not tell.
    """
    if text.strip().lower() == AUTO:
        return of_environment(os.environ)
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is neither I/N, such as 0/8 for the first of eight, nor auto")
    return checked(int(found[1]), int(found[2]))


def of_environment(environ: Mapping[str, str]) -> ShardId:
    """Find the shard in the variables of Kubernetes, AWS Batch, Cloud Run or Slurm.

    Raises ValueError where no system has set its variables, two have, or a value is no number of a shard.
    """
    there = {system: names for system, names in _SYSTEMS.items() if environ.get(names[0])}
    if len(there) != 1:
        known = ", ".join(names[0] for names in (there or _SYSTEMS).values())
        which = "several array jobs" if there else "no array job"
        raise ValueError(f"auto found {which} in the environment ({known}); say I/N, such as 0/8")
    (index_in, count_in), *_ = there.values()
    if count_in and environ.get(count_in):
        count = _number(environ, count_in)
    elif environ.get(COUNT):
        count = _number(environ, COUNT)
    else:
        raise ValueError(f"auto: {index_in} is set, but not how many there are; set {COUNT}")
    return checked(_index(environ, index_in), count)


def _index(environ: Mapping[str, str], name: str) -> int:
    """Return a member's index from 0. Slurm's ids begin anywhere, with any step; all others' begin with 0."""
    index = _number(environ, name)
    if name.startswith("SLURM"):
        first = _number(environ, _SLURM_FIRST) if environ.get(_SLURM_FIRST) else 0
        step = _number(environ, _SLURM_STEP) if environ.get(_SLURM_STEP) else 1
        return (index - first) // max(step, 1)
    return index


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ[name].strip()
    if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - far more digits than any array has
        raise ValueError(f"auto: {name} is {text[:40]!r}, which is no number")
    return int(text)
