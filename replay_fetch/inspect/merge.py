"""The merge of shards: one manifest, byte for byte a single run's, and one report out of the shards' ledgers.

The ledgers are only read, and both files appear whole or not at all, so a merge may be repeated, and killed.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from replay_fetch.archive.durable import explained, is_file, make_folder
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import locked
from replay_fetch.archive.manifest import write_manifest
from replay_fetch.archive.report import Report, last_report, replace_report
from replay_fetch.archive.shards import layouts
from replay_fetch.archive.shelf import DiskShelf, readable
from replay_fetch.errors import ArchiveError, SettingsError
from replay_fetch.inspect.merged_report import NO_RUN, Part, few_of, merged_report
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.ledger.totals import Reason
from replay_fetch.settings import Compression
from replay_fetch.shard import ShardId


@dataclass(slots=True)
class Merged:
    """The result of a merge: the report that was written, and the shards that are not, or not wholly, in it."""

    shards: int
    report: Report
    lacking: Sequence[str] = field(default_factory=list)
    """Why the merge is partial: a sentence for each shard that has not ended."""


def merge(root: Path, *, partial: bool = False) -> Merged:
    """Write manifest and report of all shards; with ``partial`` also where some have not begun or not ended.

    Memory does not grow with the archive. Raises SettingsError for an archive without shards; ArchiveError, with
    nothing changed, where a run writes to a shard, or one has not ended and ``partial`` is not set.
    """
    readable(DiskShelf(root))
    shards = layouts(root)
    if not shards:
        raise SettingsError(f"{root} is an archive without shards: its manifest is written at the end of each run")
    with ExitStack() as opened:
        ledgers: list[Ledger] = []
        parts: list[Part] = []
        lacking: list[str] = []
        for layout in shards:
            ledger, why = _opened(layout, opened)
            if ledger is not None:
                part = _part(layout, ledger)
                why = why or ("" if part else f"shard {layout.shard} was killed")
                parts.append(part or _part_so_far(ledger))
                ledgers.append(ledger)
            lacking += [why] if why else []
        require_ended(root, lacking, len(parts), partial=partial)
        report = merged_report(parts, len(shards), lacking)
        _write(_layout(root, ledgers[0]), ledgers, report)
    return Merged(len(shards), report, lacking)


def require_ended(place: object, lacking: Sequence[str], begun: int, *, partial: bool) -> None:
    """Raise ArchiveError where shards are lacking and a partial merge was not asked for, or none has begun."""
    if lacking and not partial:
        raise ArchiveError(f"{few_of(lacking)}: run them to their end, or merge what is there with --partial")
    if not begun:
        raise ArchiveError(f"no shard of {place} has begun: there is nothing to merge")


def _layout(root: Path, ledger: Ledger) -> Layout:
    """Return the layout of all shards together; the compression is that of any of their ledgers."""
    return Layout(root, Compression(ledger.setting(Setting.COMPRESSION) or Compression.NONE))


def _write(layout: Layout, ledgers: Sequence[Ledger], report: Report) -> None:
    with explained(f"writing {layout.root}"):
        make_folder(layout.temporary)
    # The manifest comes last: where it is, the report is there too.
    replace_report(layout, report)
    # In the order of a single run: sessions by the row that named them first.
    records = heapq.merge(*(ledger.views() for ledger in ledgers), key=lambda view: view.planned.session)
    write_manifest(layout, records)


def _opened(layout: Layout, opened: ExitStack) -> tuple[Ledger | None, str]:
    """Lock a shard and open its ledger; returns the ledger, if any, and why the shard has not ended, or nothing."""
    shard = layout.shard or ShardId(0, 1)
    with explained(f"reading {layout.private}"):
        begun = is_file(layout.ledger)
    if not begun:
        return None, f"shard {shard} has not begun"
    try:
        # Held until both files are written: else a run of the shard could change what the manifest is made of.
        opened.enter_context(locked(layout.lock))
    except ArchiveError as error:
        raise ArchiveError(f"shard {shard}: {error}") from None
    ledger = opened.enter_context(closing(Ledger.open_read_only(layout.ledger)))
    if ledger.newest_list() is None:  # refused, or killed, before it had read the list
        return None, f"shard {shard} has not begun"
    if ledger.setting(Setting.STATE) != State.CLEAN:
        return ledger, f"shard {shard} was killed"
    if ledger.totals().unasked:
        return ledger, f"shard {shard} was stopped before its end"
    return ledger, ""


def _part(layout: Layout, ledger: Ledger) -> Part | None:
    run = last_report(DiskShelf(layout.root, layout.shard))
    return Part(ledger.totals(), _reasons_of(ledger), run) if run else None


def _part_so_far(ledger: Ledger) -> Part:
    """The part of a shard without a report: its ledger alone tells of it."""
    totals = ledger.totals()
    return Part(totals, _reasons_of(ledger), replace(NO_RUN, rows=totals.views))


def _reasons_of(ledger: Ledger) -> Sequence[Reason]:
    return ledger.reasons(ledger.newest_list() or 0)
