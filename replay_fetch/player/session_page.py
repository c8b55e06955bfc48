"""Make the page of one session for ``play``: its recording, in a file that needs no network.

The page is written as its views are read, so memory does not grow with the session.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from replay_fetch.api.recording import labels
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read.views import view_segments
from replay_fetch.archive.shelf import Shelf
from replay_fetch.errors import ReplayFetchError
from replay_fetch.inspect.recordings import chosen_views, start_of, why_silent
from replay_fetch.named_file import NamedFile, require_another
from replay_fetch.player.library import load_rrweb
from replay_fetch.player.page import PlayerPage
from replay_fetch.player.rum_events import read_rum_events, stored_rum_events
from replay_fetch.player.views import PlayedView
from replay_fetch.progress.archive_snapshot import CopySnapshot
from replay_fetch.progress.reporters import Reporter, Ticker
from replay_fetch.replay.recording import Recording
from replay_fetch.timestamps import iso, place_ms

_FOLDER = "replay-fetch-play-"


class NothingToPlay(ReplayFetchError):
    """A session of which no view has a picture to begin with; the message has each view's reason."""


@dataclass(frozen=True, slots=True)
class WantedPage:
    """An order for a page: the session, the view and time to open at, the file, and events to show as marks."""

    session: str
    """An id, or how it begins; so is the view's."""
    view: str | None = None
    at: str | None = None
    """When it opens, as people write times in a recording."""
    html: NamedFile | None = None
    """None: a file in a new temporary folder."""
    events: Path | None = None
    """None: the session's own, where the archive holds them."""
    rrweb_js: Path | None = None


class Played(NamedTuple):
    """A page that was written: its file, the views in it, seconds of recording, and size in bytes."""

    file: Path
    session_id: str
    views: int
    seconds: float
    size: int
    silent: list[str]
    """The views without a picture, and why."""
    not_at: str
    """The reason why the page opens at another time than the wanted one; empty where it opens at the wanted time."""


def play(out: Shelf, wanted: WantedPage, reporter: Reporter | None = None) -> Played:
    """Write the page of a session, whole or not at all; the same archive gives the same bytes.

    Raises NothingToPlay where no view has a picture, InputError where there is no such session or view, SettingsError
    where rrweb is missing, ArchiveError where a file is damaged.
    """
    require_another("--html", wanted.html.target if wanted.html else None, wanted.events, wanted.rrweb_js)
    rrweb = load_rrweb(wanted.rrweb_js)
    entries = chosen_views(out, wanted.session, wanted.view)
    session_id = entries[0].record.planned.view.session_id
    events = read_rum_events(wanted.events, session_id) if wanted.events else stored_rum_events(out, session_id)
    snapshot = CopySnapshot(sum(entry.record.size for entry in entries))
    page = PlayerPage(
        session_id,
        [_recorded(out, entry, snapshot) for entry in entries],
        rrweb,
        [event for event in events if event.kind != "user action"],  # the recording tells those itself
        open_at_ms=_opening(out, entries, wanted.at),
    )
    file = wanted.html or _new_file(session_id)
    _write(file, _shown(_checked(page), snapshot, reporter))
    over = (page.playable[0].start_ms, max(view.end_ms for view in page.playable))
    seconds, not_at = (over[1] - over[0]) / 1000, _not_at(page.open_at_ms, over)
    return Played(file.target, session_id, len(page.playable), seconds, snapshot.written, _silent(page.in_time), not_at)


def _opening(out: Shelf, entries: Sequence[Entry], at: str | None) -> int | None:
    """Find when the page opens, in milliseconds since 1970; times count from the first recording's start.

    ``at`` is a time of day or a place such as ``+1m30s``. Raises InputError or SettingsError for any other text.
    """
    if at is None:
        return None
    starts = (start_of(out, entry) for entry in entries)
    return place_ms(at, min((start for start in starts if start is not None), default=0), "--at")


def _not_at(at_ms: int | None, over: tuple[int, int]) -> str:
    begins, ends = over
    if at_ms is None or begins <= at_ms <= ends:
        return ""
    edge = "beginning" if at_ms < begins else "end"
    times = f"which goes from {iso(begins)} to {iso(ends)}"
    return f"--at {iso(at_ms)} is outside of the recording, {times}: the page opens at the {edge}"


def _recorded(out: Shelf, entry: Entry, snapshot: CopySnapshot) -> PlayedView:
    first = next(view_segments(out, entry), b"")
    recording = Recording(_counted(view_segments(out, entry), snapshot))
    return PlayedView(entry.record, labels(first).source if first else "", recording, partial(why_silent, entry))


def _counted(segments: Iterable[bytes], snapshot: CopySnapshot) -> Iterator[bytes]:
    for segment in segments:
        snapshot.done += len(segment)
        yield segment


def _shown(parts: Iterable[bytes], snapshot: CopySnapshot, reporter: Reporter | None) -> Iterator[bytes]:
    """Pass the page's bytes on, counted, and let the progress be shown between two of them."""
    ticker = Ticker(reporter, lambda seconds: replace(snapshot, seconds=seconds))
    for part in parts:
        snapshot.written += len(part)
        ticker.beat()
        yield part
    snapshot.done = snapshot.total  # the lines around the segments, too
    ticker.close()


def _new_file(session_id: str) -> NamedFile:
    # The browser reads it after this program has ended: the folder, which is for our eyes only, stays.
    return NamedFile("the page", Path(tempfile.mkdtemp(prefix=_FOLDER)) / f"session-{session_id[:8]}.html")


def _write(file: NamedFile, parts: Iterable[bytes]) -> None:
    """Write the page, a regular file whole or not at all; a folder of ours that was made for it goes at an error."""
    try:
        file.write(parts)
    except BaseException:
        with suppress(OSError):
            if file.target.parent.name.startswith(_FOLDER):
                file.target.parent.rmdir()  # ours, and empty
        raise


def _checked(page: PlayerPage) -> Iterator[bytes]:
    """Yield the page's bytes; raises NothingToPlay at their end, before the file gets its name."""
    yield from page.write()
    if not page.playable:
        raise NothingToPlay(f"session {page.session_id} has nothing to play: {'; '.join(_silent(page.in_time))}")


def _silent(views: Iterable[PlayedView]) -> list[str]:
    """List the views without a picture, each with its reason, as lines of a summary."""
    return [
        f"view {view.record.planned.view.view_id}: {view.why_not(view.account)}" for view in views if not view.playable
    ]
