"""The report of all shards, put together of the shards' own sums and of the reports of their last runs."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import datetime, timedelta
from operator import add
from typing import NamedTuple

import msgspec

from replay_fetch.archive.report import Report, read_report
from replay_fetch.archive.shelf import Shelf
from replay_fetch.ledger.totals import Reason, Totals
from replay_fetch.model import Noted, Outcome

_SLOWEST = 20
_BAD_ROWS = 100
# More shards would fill the line; the number of the others is said.
_NAMED = 5


class ShardRun(msgspec.Struct, frozen=True):
    """The figures of a shard's last run, as the report has them; the ledger does not know most of them."""

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
    outcomes: dict[Outcome, int] = {}
    unasked: int = 0
    segments: int = 0
    bytes: int = 0
    noted: int = 0
    noted_for: dict[str, int] = {}
    reasons: Sequence[dict[str, str | int]] = ()

    @property
    def totals(self) -> Totals:
        """The sums over the shard's views, for a shard whose ledger is not at hand."""
        noted = Noted(self.noted, *(self.noted_for.get(each.name, 0) for each in fields(Noted)[1:]))
        return Totals(dict(self.outcomes), 0, self.unasked, self.segments, self.pages, self.bytes, noted)


class Part(NamedTuple):
    """A shard in a merge: sums, reasons of unfinished views, and the last run."""

    totals: Totals
    reasons: Sequence[Reason]
    run: ShardRun


def last_run(shard: Shelf) -> ShardRun | None:
    """Read the report of a shard's last run; None where there is none that can be read."""
    try:
        return msgspec.json.decode(read_report(shard), type=ShardRun)
    except (OSError, ValueError):  # it was killed before its first end
        return None


def merged_report(parts: Sequence[Part], count: int, lacking: Sequence[str] = ()) -> Report:
    """Put the shards' figures together: sums, the first beginning, the last end.

    ``lacking`` says which of the ``count`` shards have not ended. Their views are in no sum, so the report must not
    say that all ended well: it stands as stopped.
    """
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
        stopped=next((run.stopped for run in runs if run.stopped), None) or few_of(lacking) or None,
        limiter="; ".join(dict.fromkeys(run.limiter for run in runs if run.limiter)),
        bad_row_reasons=[reason for run in runs for reason in run.bad_row_reasons][:_BAD_ROWS],
        slowest=_slowest(runs),
        settings=_settings(runs[0], count),
    )


def few_of(lacking: Sequence[str]) -> str:
    """Join the reasons why shards are lacking, the first of them in full; empty where there is none."""
    more = f"; and {len(lacking) - _NAMED} more" if lacking[_NAMED:] else ""
    return "; ".join(lacking[:_NAMED]) + more


def _settings(run: ShardRun, count: int) -> dict[str, object]:
    """Return a shard's settings for the report of all, with the number of shards in place of its own."""
    plan = run.settings.get("plan")
    return {**run.settings, "plan": {**(plan if isinstance(plan, dict) else {}), "shard": None, "shards": count}}


def _noted(parts: Sequence[Part]) -> Noted:
    noted = (0,) * len(astuple(Noted()))
    for part in parts:
        noted = tuple(map(add, noted, astuple(part.totals.noted)))
    return Noted(*noted)


def _reasons(parts: Sequence[Part]) -> list[dict[str, str | int]]:
    """Sum up the reasons of all shards' unfinished views, the most frequent first."""
    views: Counter[tuple[Outcome, str]] = Counter()
    for part in parts:
        for outcome, reason, number in part.reasons:
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
