"""The result of verifying an archive, and how much of it is read for that."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from replay_fetch.archive.read.verify import Finding
from replay_fetch.archive.shelf import Shelf


class Depth(StrEnum):
    """Says how much of each view a verification reads: names and sizes, bytes, or each line as JSON."""

    NAMES = "names"
    """No session file: names and sizes are held against the manifest, and in a store the versions against the log."""
    BYTES = "bytes"
    """Every byte: hashes of what is stored, and of the lines in it; the lines themselves where no ledger vouches."""
    LINES = "lines"
    """Every line as JSON, too: its facts are derived again and held against the manifest."""


@dataclass(slots=True)
class Verification:
    """The result of verifying an archive: findings, and the amount that was read."""

    shelf: Shelf
    findings: list[Finding] = field(default_factory=list)
    views: int = 0
    sessions: int = 0
    size: int = 0
    """Bytes of views that were read."""
    events: int = 0
    """Sessions whose stored events were read."""
    events_size: int = 0
    """Bytes of their files."""
    not_begun: list[str] = field(default_factory=list)
    """Shards that no run has begun, such as ``1/3``: nothing of their sessions is there to be verified."""
    seconds: float = 0.0
    quick: bool = False
    """True where names and sizes alone were looked at; ``size`` then counts bytes that are known, not read."""
    run_ended: bool = True
    """False where the last run was killed: its files are then held against the ledger, for the manifest is behind."""

    @property
    def exit_code(self) -> int:
        """Return 0 where nothing is wrong, else 1; an archive that cannot be read is an error, and ends with 3.

        A shard that has not begun and one that was lost look the same: no manifest, no ledger and no merge tells of
        its sessions. Of a run that was killed a ledger tells, and everything in it was found.
        """
        return 1 if self.findings or self.not_begun else 0
