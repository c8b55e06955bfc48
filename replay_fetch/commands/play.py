"""``play``: one session's recording as a page that needs no network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from replay_fetch.api.recording import labels
from replay_fetch.archive import Entry, view_segments
from replay_fetch.archive.durable import explained, write_atomically
from replay_fetch.commands.playing import chosen_views, nothing_to_play, recording_of, start_of
from replay_fetch.errors import ReplayFetchError, SettingsError
from replay_fetch.moments import place_ms
from replay_fetch.player import PlayerPage, RecordedView, load_rrweb, read_rum_events


class NothingToPlay(ReplayFetchError):
    """No view of the session has a picture to begin with."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to play, and where the page goes."""

    session: str
    """An id, or how it begins; so is the view's."""
    view: str | None = None
    at: str | None = None
    """When it opens, as people write times in a recording."""
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
    entries = chosen_views(out, wanted.session, wanted.view)
    session_id = entries[0].record.planned.view.session_id
    events = read_rum_events(wanted.events, session_id) if wanted.events else []
    page = PlayerPage(
        session_id,
        [_recorded(out, entry) for entry in entries],
        rrweb,
        events,
        open_at_ms=_opening(out, entries, wanted.at),
    )
    file = _file(wanted.html, session_id)
    size = _written(page, file)
    playable = page.playable
    seconds = (max(view.end_ms for view in playable) - playable[0].start_ms) / 1000
    return Played(file, session_id, len(playable), seconds, size, _silent(page.in_time))


def _opening(out: Path, entries: Sequence[Entry], at: str | None) -> int | None:
    """When the page opens; times count from where the first of its recordings begins."""
    if at is None:
        return None
    starts = (start_of(out, entry) for entry in entries)
    return place_ms(at, min((start for start in starts if start is not None), default=0), "--at")


def _recorded(out: Path, entry: Entry) -> RecordedView:
    first = next(view_segments(out, entry), b"")
    source = labels(first).source if first else ""
    return RecordedView(entry.record, source, recording_of(out, entry), partial(nothing_to_play, entry))


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
    return [view.why_not(view.account) for view in views if not view.playable]
