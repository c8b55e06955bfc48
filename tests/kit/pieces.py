"""Views, pages and records in tests of the archive and the ledger: small, and each unlike the others."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from replay_fetch.archive.lines import lines
from replay_fetch.archive.write.messages import PageArrived, ViewEnded
from replay_fetch.model import Outcome, Page, PlannedView, Segment, Source, View, ViewRecord


def planned(row: int = 1, session: int = 1, earlier: ViewRecord | None = None) -> PlannedView:
    """The view of a row; its ids tell which."""
    return PlannedView(row, session, View(f"s{session}", f"v{row}"), earlier=earlier)


def segment(row: int, position: int, size: int = 0) -> Segment:
    """A segment that says which one it is, padded by ``size`` bytes."""
    pad = b',"pad":"%s"' % (b"x" * size) if size else b""
    return Segment(b'{"of":%d,"index_in_view":%d,"has_full_snapshot":true%s}' % (row, position, pad))


def segments(row: int, count: int, first: int = 0) -> list[Segment]:
    """Consecutive segments of a view."""
    return [segment(row, position) for position in range(first, first + count)]


def arrived(
    view: PlannedView, count: int = 1, *, first: int = 0, then: str | None = None, size: int = 0
) -> PageArrived:
    """A page with ``count`` segments, the first of which has the position ``first``."""
    content = [segment(view.row, position, size) for position in range(first, first + count)]
    return PageArrived(view, Page(content, then, shape="segments"), Source.EVENT_PLATFORM)


def ended(view: PlannedView, outcome: Outcome = Outcome.FETCHED, reason: str = "") -> ViewEnded:
    """How a view of the recent store ended."""
    return ViewEnded(view, outcome, reason, Source.EVENT_PLATFORM)


def content(view: PlannedView, count: int, first: int = 0) -> bytes:
    """The lines of consecutive segments of a view."""
    return lines(view.view, first, segments(view.row, count, first))


def sha256(body: bytes) -> str:
    """As the manifest has it."""
    return hashlib.sha256(body).hexdigest()


@dataclass
class FakeCommitLog:
    """A ledger in memory; ``on_record`` lets a test look at the disk at the moment of the record."""

    views: dict[int, ViewRecord] = field(default_factory=dict)
    recorded: list[list[ViewRecord]] = field(default_factory=list)
    redo: list[int] = field(default_factory=list)
    """Sessions whose staged files are published after the latest record."""
    understood_views: list[View] = field(default_factory=list)
    """Views whose raw pages go behind the latest record."""

    @classmethod
    def of(cls, *views: PlannedView) -> Self:
        """One that knows these views and nothing of how they ended."""
        return cls({view.row: ViewRecord(view) for view in views})

    def record(
        self,
        records: Iterable[ViewRecord],
        redo: Iterable[int] = (),
        understood: Sequence[View] = (),
    ) -> None:
        batch = list(records)
        self.recorded.append(batch)
        self.redo = list(redo)
        self.understood_views = list(understood)
        self.views |= {record.planned.row: record for record in batch}

    def redo_list(self) -> list[tuple[int, str]]:
        return [(session, f"s{session}") for session in self.redo]

    def published(self) -> None:
        self.redo = []

    def understood(self) -> list[View]:
        return self.understood_views

    def raw_removed(self) -> None:
        self.understood_views = []

    def has_part(self, row: int, part: int) -> bool:
        return part == self.views[row].part

    def forget_partial_files(self) -> None:
        """Nobody asks for them."""

    def lacking_partial_files(self) -> list[int]:
        return []

    def session_views(self, session: int) -> list[ViewRecord]:
        by_row: Mapping[int, ViewRecord] = dict(sorted(self.views.items()))
        return [record for record in by_row.values() if record.planned.session == session]


def refuse_to_open(monkeypatch: pytest.MonkeyPatch, refused: Path) -> None:
    """Let the system refuse to open a file, as it does where too many are open."""
    opened = Path.open

    def open_(path: Path, *given: Any, **named: Any) -> Any:  # Any: as Path.open takes and gives
        if path == refused:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
        return opened(path, *given, **named)

    monkeypatch.setattr(Path, "open", open_)
