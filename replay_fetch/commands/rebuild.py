"""``verify --rebuild``: a new ledger out of the manifest and the files that are as it says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from replay_fetch.archive import Entry, Layout, opened, readable
from replay_fetch.archive.blocks import file_range
from replay_fetch.archive.compress import decompressed
from replay_fetch.archive.durable import explained, make_folder, sync_folder, write_file
from replay_fetch.archive.durable import replace as give_name
from replay_fetch.commands.verify import Verification, Verifying
from replay_fetch.ledger import DamagedLedger, Ledger, check_file
from replay_fetch.ledger.setting import Setting, State
from replay_fetch.model import ViewRecord
from replay_fetch.progress import Reporter
from replay_fetch.settings import Compression


@dataclass(slots=True)
class Rebuilt:
    """A new ledger, and what it was made from."""

    found: Verification
    kept: int = 0
    """Views that are as the manifest says, finished or not."""
    dropped: int = 0
    """Views that are not: the next run asks for them as if they were new."""
    aside: Path | None = None
    """Where the old ledger is now, if there was one."""

    @property
    def exit_code(self) -> int:
        """0 where every view was kept and nothing is wrong, else 1."""
        return self.found.exit_code


def rebuild(root: Path, jobs: int | None, shown_by: Reporter | None) -> Rebuilt:
    """Verify the archive and put a new ledger in the place of the old one, which is kept aside.

    Views in the order of the manifest, so that the next run writes the same files. The new ledger
    appears whole or not at all. Raises ArchiveError where there is no archive, a run writes to it, or
    its ledger is one of another format.
    """
    with explained(f"opening {root}"):
        make_folder(readable(root).private)  # an archive copied without it is one again
    verifying = Verifying(root, jobs, shown_by)
    rebuilt = Rebuilt(verifying.found)
    with opened(root) as layout:
        with suppress(DamagedLedger):
            _fold_log(layout)
        restoring = _Restoring(layout, verifying, rebuilt)
        new = layout.temporary / layout.ledger.name
        for leftover in layout.temporary.glob(f"{new.name}*"):
            leftover.unlink()
        with closing(Ledger.open(new)) as ledger:
            ledger.restore(restoring.records())
            # As after a kill: the next run removes parts that no view needs and writes partial files and manifest anew.
            ledger.set_setting(Setting.STATE, State.RUNNING)
            if restoring.compression is not None:
                ledger.set_setting(Setting.COMPRESSION, restoring.compression)
        with explained(f"replacing {layout.ledger}"):
            sync_folder(layout.parts)
            rebuilt.aside = _set_aside(layout.ledger)
            give_name(new, layout.ledger)
            sync_folder(layout.private)
    return rebuilt


def _fold_log(layout: Layout) -> None:
    """Let a sound ledger take in its log, so that it can be kept aside as one file."""
    if check_file(layout.ledger):
        Ledger.open(layout.ledger).close()


@dataclass(slots=True)
class _Restoring:
    """Entries of the manifest on their way into the ledger."""

    layout: Layout
    verifying: Verifying
    rebuilt: Rebuilt
    compression: Compression | None = None
    _before: int = field(init=False)
    """Rows begin behind every part there is: none is overwritten while the old ledger still counts."""

    def __post_init__(self) -> None:
        rows = (part.stem.partition("-")[0] for part in self.layout.parts.iterdir())
        self._before = max((int(row) for row in rows if row.isdigit()), default=0)

    def records(self) -> Iterator[ViewRecord]:
        """What the new ledger holds of each view."""
        for entries, verdict in self.verifying.sessions():
            for entry in entries:
                yield self._record(entry, good=entry.record.planned.row not in verdict.bad)

    def _record(self, entry: Entry, *, good: bool) -> ViewRecord:
        record = entry.record
        expected = record.checks.get("segments_expected")
        planned = replace(
            record.planned,
            row=self._before + record.planned.row,
            expected=expected if isinstance(expected, int) else None,
        )
        if entry.file is not None:
            self.compression = entry.compression
        # Bytes in no file were in a part, which only the old ledger knew to read.
        if not good or (record.size and entry.span is None):
            self.rebuilt.dropped += 1
            return ViewRecord(planned)
        self.rebuilt.kept += 1
        if record.partial is not None:
            self._write_part(entry, planned.row)
        return replace(record, planned=planned)

    def _write_part(self, entry: Entry, row: int) -> None:
        """Write the part that a partial file's stretch is a copy of."""
        part = self.layout.part(row, entry.record.part)
        with explained(f"writing {part}"):
            offset, length, _ = entry.span or (0, 0, "")
            stored = file_range(self.layout.root / (entry.file or ""), offset, length)
            write_file(part, decompressed(stored, entry.compression))


def _set_aside(ledger: Path) -> Path | None:
    """Give the old ledger another name beside its own, which it loses when the new one takes that."""
    if not ledger.exists():
        return None
    number = 1
    while (aside := ledger.with_name(f"{ledger.name}.damaged-{number}")).exists():
        number += 1
    try:
        os.link(ledger, aside)
    except OSError:  # a file system without links: for an instant there is no ledger
        give_name(ledger, aside)
    for log in ("-wal", "-shm"):  # another ledger's log would be read into the new one
        with suppress(FileNotFoundError):
            give_name(Path(f"{ledger}{log}"), Path(f"{aside}{log}"))
    return aside
