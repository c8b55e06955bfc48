"""The report of a run: how the list's views ended, and the requests, bytes and seconds that took."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from string import ascii_lowercase
from typing import NamedTuple

import msgspec
import orjson

from replay_fetch.archive.durable import explained, is_file, make_folder, write_atomically
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.shelf import Shelf
from replay_fetch.model import Noted, Outcome

FORMAT = 1
# A few hundred kilobytes with all its points, views and reasons.
_MOST = 2**24
# A report a night: those of three months. What else lies in the folder is somebody's own.
_KEPT = 100
_DATED = "[0-9]" * 8 + "T" + "[0-9]" * 6 + "Z*.json"
_MOMENT = re.compile(r"(\d{8}T\d{6})(\+0000)?")
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS


@dataclass(frozen=True, slots=True)
class Report:
    """A run in figures; its JSON file holds the same under the same names, and ``noted_for`` beside ``noted``.

    Every row of the list is accounted for: ``rows`` = the views of ``outcomes`` + ``unasked`` + ``duplicates`` +
    ``bad_rows`` + ``erased``. Times are seconds, sizes bytes.
    """

    list_name: str
    rows: int
    duplicates: int
    bad_rows: int
    outcomes: Mapping[Outcome, int]
    erased: int = 0
    """Rows of sessions that were erased from the archive; they are not asked for."""
    unasked: int = 0
    """Views that the run did not come to, or not to the end of."""
    finished_before: int = 0
    """Views of the list that an earlier run had finished; not asked for again."""
    noted: Noted = field(default_factory=Noted)
    """Views whose recording lacks something: see the manifest."""
    reasons: Sequence[Mapping[str, str | int]] = ()
    """Of views that are not finished: outcome, reason and views, the most frequent of each outcome first.

    At most 20 of an outcome; what is left stands together under "other reasons".
    """
    segments: int = 0
    bytes: int = 0
    """Of all lines of the list's views, uncompressed."""
    requests: int = 0
    retries: int = 0
    rate_limited: int = 0
    pages: int = 0
    wire_bytes: int = 0
    seconds: float = 0.0
    waited_seconds: float = 0.0
    """Seconds that all workers together waited for their turn."""
    started: str = ""
    """Wall time, ISO 8601."""
    interrupted: bool = False
    stopped: str | None = None
    """Why the run ended before its list did, None where it did not."""
    limiter: str = ""
    """The kind of rate limit that was met, and what it was recognised by; empty where none was."""
    bad_row_reasons: Sequence[str] = ()
    """Of the first 100 bad rows, each with its line."""
    pacing: Sequence[Mapping[str, float | str | None]] = ()
    """Over time: seconds since the start, allowed rate, what limited the run; pages, requests and 429s so far.

    At most 500 points, evenly spaced, and the last moment.
    """
    slowest: Sequence[Mapping[str, object]] = ()
    """The twenty views whose requests took longest, with their outcome and its reason; without the wait in line."""
    events: Mapping[str, object] | None = None
    """Of a run that stores RUM events: sessions fetched, without any and unfinished, events, bytes, requests."""
    search: Mapping[str, int | float] | None = None
    """Of a list of sessions whose views were searched for first: sessions, views, requests, bytes, seconds."""
    settings: Mapping[str, object] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def views(self) -> int:
        """Count the views of the list, each once however often the list names it, with an outcome or without."""
        return self.unasked + sum(self.outcomes.values())

    @property
    def unfinished(self) -> int:
        """Count the views that the next run asks for again."""
        return self.unasked + sum(n for outcome, n in self.outcomes.items() if not outcome.finished)

    @property
    def nothing_there(self) -> bool:
        """Tell whether the run came to its end without a segment of any view of the list."""
        return nothing_there(self.outcomes, self.views, self.segments)

    @property
    def exit_code(self) -> int:
        """Return the run's exit code: 0 all ended well, 1 some views or rows did not, 3 stopped, 130 interrupted."""
        if self.interrupted:
            return 130
        if self.stopped:
            return 3
        lacking = any((self.events or {}).get(name) for name in ("unfinished", "not_asked", "bad_lines"))
        return 1 if self.unfinished or self.bad_rows or lacking else 0

    @property
    def asked_something(self) -> bool:
        """True where the run sent a request, for views, for RUM events or in search of views, or read an export."""
        events = self.events or {}
        return bool(self.requests or self.search or events.get("requests") or events.get("fetched"))

    def fields(self) -> dict[str, object]:
        """Return the report as ``report.json`` has it, derived figures included: views, exit code, warnings by kind."""
        noted_for = dataclasses.asdict(self.noted)
        noted = noted_for.pop("views")
        own = {"views": self.views, "exit_code": self.exit_code, "noted": noted, "noted_for": noted_for}
        return dataclasses.asdict(self) | own


def nothing_there(outcomes: Mapping[Outcome, int], views: int, segments: int) -> bool:
    """Tell whether all of ``views`` views are missing or empty, or seem to be, and no earlier run got segments."""
    absent = (Outcome.MISSING, Outcome.UNCONFIRMED, Outcome.EMPTY)
    return not segments and 0 < views == sum(outcomes.get(outcome, 0) for outcome in absent)


class ReportFiles(NamedTuple):
    """What becomes of a report: its name below ``reports/``, and the names of reports that are too many then."""

    name: str
    latest: bool
    """It takes the place of ``report.json``, too."""
    superseded: list[str]


def report_files(report: Report, there: Iterable[str], *, first: bool) -> ReportFiles:
    """Tell where a report goes: below ``reports/``, where the newest hundred are kept, and as ``report.json``.

    ``there`` are the names of earlier reports in that folder; ``first`` says that ``report.json`` is not there yet.
    Where a run asked nothing, ``report.json`` stays that of an earlier run, which tells more of the archive.
    """
    known = {name for name in there if fnmatchcase(name, _DATED)}
    name = _free_name(report.started, known)
    latest = bool(report.asked_something or report.stopped or first)
    # The names sort as the times do, so the oldest stand in front. Files of other names are somebody's own, and are not
    # counted.
    return ReportFiles(name, latest, sorted({*known, name})[:-_KEPT])


def write_report(layout: Layout, report: Report) -> None:
    """Write the report as `report_files` tells; each file is whole."""
    body = orjson.dumps(report.fields(), option=_OPTIONS)
    with explained(f"writing {layout.report}"):
        # Under the run's own time first: a kill in between loses no figures, and report.json is the run's before.
        make_folder(layout.reports)
        there = [path.name for path in layout.reports.iterdir()]
        files = report_files(report, there, first=not is_file(layout.report))
        write_atomically(layout.reports / files.name, [body], layout.temporary / "report")
        if files.latest:
            replace_report(layout, report)
        for name in files.superseded:
            (layout.reports / name).unlink()


def replace_report(layout: Layout, report: Report) -> None:
    """Write the report as ``report.json`` alone, whole or not at all."""
    with explained(f"writing {layout.report}"):
        body = orjson.dumps(report.fields(), option=_OPTIONS)
        write_atomically(layout.report, [body], layout.temporary / "report")


def _free_name(started: str, there: Container[str]) -> str:
    """Name a report by the run's start, as ``20260203T040506Z.json``; a second run of that second gets a letter."""
    # Without colons, which other systems' disks do not take.
    moment = _MOMENT.fullmatch(started.replace("-", "").replace(":", ""))
    names = [f"{moment[1] if moment else 'undated'}Z{letter}.json" for letter in ("", *ascii_lowercase)]
    return next((name for name in names if name not in there), names[-1])


def read_report(shelf: Shelf) -> bytes:
    """Read ``report.json`` as it stands; raises OSError, or ValueError where it is larger than a report of ours."""
    # A stranger's archive may hold anything under this name: no more is read than a report of ours can have.
    size = shelf.size(shelf.report)
    if size > _MOST:
        raise ValueError(f"it has {size} bytes, and {_MOST} at most are sensible")
    return b"".join(shelf.blocks(shelf.report, 0, size))


def last_report(shelf: Shelf) -> Report | None:
    """Read the last run's report as the value that it was written from; None where there is none, or it is damaged."""
    try:
        content = msgspec.json.decode(read_report(shelf), type=dict[str, object])
        by_kind = content.get("noted_for", {})  # beside ``noted`` in the file, and one value here
        noted = {**by_kind, "views": content.get("noted", 0)} if isinstance(by_kind, dict) else {}
        return msgspec.convert({**content, "noted": noted}, Report)
    except (OSError, ValueError):  # it was killed before its first end, or the file is not as it was written
        return None
