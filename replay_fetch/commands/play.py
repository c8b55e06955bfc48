"""``play``: one session's recording as a page that needs no network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from replay_fetch.api.recording import labels
from replay_fetch.archive import Entry, session_entries, view_segments
from replay_fetch.archive.durable import explained, write_atomically
from replay_fetch.errors import InputError, ReplayFetchError, SettingsError
from replay_fetch.player import PlayerPage, RecordedView, load_rrweb, read_rum_events
from replay_fetch.replay import Recording


class NothingToPlay(ReplayFetchError):
    """No view of the session has a picture to begin with."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to play, and where the page goes."""

    session: str
    """An id, or how it begins; so is the view's."""
    view: str | None = None
    at_ms: int | None = None
    """Where it opens: milliseconds since 1970, or so long after the beginning."""
    after_ms: int | None = None
    html: Path | None = None
    """None: a file in a new temporary folder."""
    events: Path | None = None
    rrweb_js: Path | None = None


class Played(NamedTuple):
    """The page that was written."""

    file: Path
    session_id: str
    views: int
    seconds: float
    size: int
    silent: list[str]
    """The views without a picture, and why."""


def play(out: Path, wanted: Wanted) -> Played:
    """Write the page of a session, whole or not at all.

    Raises NothingToPlay where no view has a picture, InputError where there is no such session or view,
    SettingsError where rrweb is missing.
    """
    rrweb = load_rrweb(wanted.rrweb_js)
    entries = session_entries(out, wanted.session)
    if wanted.view is not None:
        entries = [_the_view(entries, wanted.view)]
    session_id = entries[0].record.planned.view.session_id
    events = read_rum_events(wanted.events, session_id) if wanted.events else []
    page = PlayerPage(
        session_id,
        [_recorded(out, entry) for entry in entries],
        rrweb,
        events,
        open_at_ms=wanted.at_ms,
        open_after_ms=wanted.after_ms,
    )
    file = _file(wanted.html, session_id)
    size = _written(page, file)
    playable = page.playable
    seconds = (max(view.end_ms for view in playable) - playable[0].start_ms) / 1000
    return Played(file, session_id, len(playable), seconds, size, _silent(page.in_time))


def _the_view(entries: Sequence[Entry], wanted: str) -> Entry:
    by_id = {entry.record.planned.view.view_id: entry for entry in entries}
    found = [wanted] if wanted in by_id else [view_id for view_id in by_id if view_id.startswith(wanted)]
    if len(found) != 1:
        session_id = entries[0].record.planned.view.session_id
        few = ", ".join(found[:3])
        raise InputError(f"{len(found)} views of session {session_id} begin with {wanted!r}{': ' + few if few else ''}")
    return by_id[found[0]]


def _recorded(out: Path, entry: Entry) -> RecordedView:
    first = next(iter(view_segments(out, entry)), b"")
    return RecordedView(entry.record, labels(first).source if first else "", Recording(view_segments(out, entry)))


def _file(html: Path | None, session_id: str) -> Path:
    if html is None:
        # The browser reads it after this program has ended: the folder, which is for our eyes only, stays.
        return Path(tempfile.mkdtemp(prefix="replay-fetch-")) / f"session-{session_id[:8]}.html"
    if html.is_dir():
        raise SettingsError(f"--html {html} is a folder; it must be a file")
    return html


def _written(page: PlayerPage, file: Path) -> int:
    """Write the page under a name of its own, and give it the file's once it is whole; returns its bytes."""
    temporary = file.with_name(f".{file.name}.unfinished")
    try:
        with explained(f"writing {file}"):
            write_atomically(file, _checked(page), temporary)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    return file.stat().st_size


def _checked(page: PlayerPage) -> Iterator[bytes]:
    """The page's bytes; raises NothingToPlay before the file that they are written to is whole."""
    yield from page.write()
    if not page.playable:
        raise NothingToPlay(f"session {page.session_id} has nothing to play: {'; '.join(_silent(page.in_time))}")


def _silent(views: Iterable[RecordedView]) -> list[str]:
    return [f"view {view.record.planned.view.view_id}: {view.why_not()}" for view in views if not view.playable]
