"""The merge of shards: one manifest, byte for byte a single run's, and one report out of the shards' ledgers.

The ledgers are only read, and both files appear whole or not at all, so a merge may be repeated, and killed.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from operator import add
from pathlib import Path
from typing import NamedTuple

import msgspec

from replay_fetch.archive.durable import explained, is_file, make_folder
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import locked
from replay_fetch.archive.manifest import write_manifest
from replay_fetch.archive.report import Report, read_report, replace_report
from replay_fetch.archive.shards import layouts
from replay_fetch.archive.shelf import DiskShelf, readable
from replay_fetch.errors import ArchiveError, SettingsError
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.ledger.totals import Totals
from replay_fetch.model import Noted, Outcome, ViewRecord
from replay_fetch.settings import Compression
from replay_fetch.shard import ShardId

_SLOWEST = 20
_BAD_ROWS = 100
# More shards would fill the line; the number of the others is said.
_NAMED = 5


class ShardRun(msgspec.Struct, frozen=True):
    """The figures of a shard's last run that its ledger does not know, as its report has them."""

    list_name: str = ""
    rows: int = 0
    duplicates: int = 0
    bad_rows: int = 0
    finished_before: int = 0
    requests: int = 0
    retries: int = 0
    rate_limited: int = 0
    pages: int = 0
    wire_bytes: int = 0
    seconds: float = 0.0
    waited_seconds: float = 0.0
    started: str = ""
    interrupted: bool = False
    stopped: str | None = None
    limiter: str = ""
    bad_row_reasons: Sequence[str] = ()
    slowest: Sequence[dict[str, object]] = ()
    settings: dict[str, object] = {}


class _Part(NamedTuple):
    """A shard that takes part in a merge: its ledger, open and at rest, and its last run."""

    shard: ShardId
    ledger: Ledger
    totals: Totals
    run: ShardRun


@dataclass(slots=True)
class Merged:
    """The result of a merge: the report that was written, and the shards that are not, or not wholly, in it."""

    root: Path
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
        parts: list[_Part] = []
        lacking: list[str] = []
        for layout in shards:
            part, why = _opened(layout, opened)
            lacking += [why] if why else []
            parts += [part] if part else []
        if lacking and not partial:
            few = "; ".join(lacking[:_NAMED]) + (f"; and {len(lacking) - _NAMED} more" if lacking[_NAMED:] else "")
            raise ArchiveError(f"{few}: run them to their end, or merge what is there with --partial")
        if not parts:
            raise ArchiveError(f"no shard of {root} has begun: there is nothing to merge")
        report = _report(parts, len(shards))
        _write(merged_layout(root, parts[0].ledger), parts, report)
    return Merged(root, len(shards), report, lacking)


def merged_layout(root: Path, ledger: Ledger) -> Layout:
    """Return the layout of all shards together; the compression is that of any of their ledgers."""
    return Layout(root, Compression(ledger.setting(Setting.COMPRESSION) or Compression.NONE))


def _write(layout: Layout, parts: Sequence[_Part], report: Report) -> None:
    with explained(f"writing {layout.root}"):
        make_folder(layout.temporary)
    # The manifest comes last: where it is, the report is there too.
    replace_report(layout, report)
    write_manifest(layout, records(part.ledger for part in parts))


def records(ledgers: Iterator[Ledger]) -> Iterator[ViewRecord]:
    """Give the records of all shards in the order of a single run: sessions by the row that named them first."""
    return heapq.merge(*(ledger.views() for ledger in ledgers), key=lambda view: view.planned.session)


def _opened(layout: Layout, opened: ExitStack) -> tuple[_Part | None, str]:
    """Lock a shard and open its ledger; returns it, where there is one, and why it has not ended, or nothing."""
    shard = layout.shard or ShardId(0, 1)
    with explained(f"reading {layout.private}"):
        begun = is_file(layout.ledger)
    if not begun:
        return None, f"shard {shard} has not begun"
    try:
        opened.enter_context(locked(layout.lock))
    except ArchiveError as error:
        raise ArchiveError(f"shard {shard}: {error}") from None
    ledger = opened.enter_context(closing(Ledger.open_read_only(layout.ledger)))
    totals, run = ledger.totals(), _last_run(layout)
    part = _Part(shard, ledger, totals, run or ShardRun(rows=totals.views))
    if ledger.setting(Setting.STATE) != State.CLEAN or run is None:
        return part, f"shard {shard} was killed"
    if totals.unasked:
        return part, f"shard {shard} was stopped before its end"
    return part, ""


def _last_run(layout: Layout) -> ShardRun | None:
    try:
        return msgspec.json.decode(read_report(DiskShelf(layout.root, layout.shard)), type=ShardRun)
    except (OSError, ValueError):  # it was killed before its first end
        return None


def _report(parts: Sequence[_Part], count: int) -> Report:
    """Put the shards' figures together: sums, the first beginning, the last end."""
    runs = [part.run for part in parts]
    outcomes: Counter[Outcome] = Counter()
    for part in parts:
        outcomes.update(part.totals.outcomes)
    started, seconds = _time_of(runs)
    return Report(
        list_name=runs[0].list_name,
        rows=sum(run.rows for run in runs),
        duplicates=sum(run.duplicates for run in runs),
        bad_rows=sum(run.bad_rows for run in runs),
        outcomes={outcome: outcomes[outcome] for outcome in Outcome if outcomes[outcome]},
        unasked=sum(part.totals.unasked for part in parts),
        finished_before=sum(run.finished_before for run in runs),
        noted=_noted(parts),
        reasons=_reasons(parts),
        segments=sum(part.totals.segments for part in parts),
        bytes=sum(part.totals.size for part in parts),
        requests=sum(run.requests for run in runs),
        retries=sum(run.retries for run in runs),
        rate_limited=sum(run.rate_limited for run in runs),
        pages=sum(run.pages for run in runs),
        wire_bytes=sum(run.wire_bytes for run in runs),
        seconds=seconds,
        waited_seconds=round(sum(run.waited_seconds for run in runs), 3),
        started=started,
        interrupted=any(run.interrupted for run in runs),
        stopped=next((run.stopped for run in runs if run.stopped), None),
        limiter="; ".join(dict.fromkeys(run.limiter for run in runs if run.limiter)),
        bad_row_reasons=[reason for run in runs for reason in run.bad_row_reasons][:_BAD_ROWS],
        slowest=_slowest(runs),
        settings=_settings(runs[0], count),
    )


def _settings(run: ShardRun, count: int) -> dict[str, object]:
    """Return a shard's settings for the report of all, with the number of shards in place of its own."""
    plan = run.settings.get("plan")
    return {**run.settings, "plan": {**(plan if isinstance(plan, dict) else {}), "shard": None, "shards": count}}


def _noted(parts: Sequence[_Part]) -> Noted:
    noted = (0,) * len(astuple(Noted()))
    for part in parts:
        noted = tuple(map(add, noted, astuple(part.totals.noted)))
    return Noted(*noted)


def _reasons(parts: Sequence[_Part]) -> list[dict[str, str | int]]:
    """Sum up the reasons of all shards' unfinished views, the most frequent first."""
    views: Counter[tuple[Outcome, str]] = Counter()
    for part in parts:
        for outcome, reason, number in part.ledger.reasons(part.ledger.newest_list() or 0):
            views[outcome, reason] += number
    return [
        {"outcome": outcome, "reason": reason, "views": number} for (outcome, reason), number in views.most_common()
    ]


def _slowest(runs: Sequence[ShardRun]) -> list[dict[str, object]]:
    def seconds(view: dict[str, object]) -> float:
        took = view.get("seconds")
        return float(took) if isinstance(took, int | float) else 0.0

    return heapq.nlargest(_SLOWEST, (view for run in runs for view in run.slowest), key=seconds)


def _time_of(runs: Sequence[ShardRun]) -> tuple[str, float]:
    """Return when the first shard began, and the seconds from then to the end of the last."""
    spans = []
    for run in runs:
        try:
            began = datetime.fromisoformat(run.started)
        except ValueError:
            continue
        spans.append((began, began + timedelta(seconds=run.seconds)))
    if not spans:
        return "", 0.0
    began, ended = min(span[0] for span in spans), max(span[1] for span in spans)
    return began.isoformat(timespec="seconds"), round((ended - began).total_seconds(), 3)
