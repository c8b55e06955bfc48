"""Which views of an archive are played, and why there may be nothing to play in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from replay_fetch.api import facts
from replay_fetch.archive import Entry, entries, readable, session_entries, view_segments
from replay_fetch.archive.durable import explained, make_folder, write_atomically
from replay_fetch.errors import InputError, SettingsError
from replay_fetch.progress import Reporter, Ticker
from replay_fetch.progress.units import duration, size, some
from replay_fetch.replay import Account, Recording

_BLOCK = 2**18


def chosen_views(out: Path, session: str, view: str | None) -> list[Entry]:
    """The views of a session in order of time, or one of them; ids may be cut short where that is not ambiguous.

    Raises InputError where there is none or more than one.
    """
    found = session_entries(out, session)
    if view is not None:
        found = [entry for entry in found if entry.record.planned.view.view_id.startswith(view)]
        exact = [entry for entry in found if entry.record.planned.view.view_id == view]
        if len(exact or found) != 1:
            raise InputError(f"{some(len(found), 'view')} of the session {session} in {out} begin with {view!r}")
        found = exact or found
    return sorted(found, key=lambda entry: (_stated_start(entry) is None, _stated_start(entry) or 0))


def recording_of(out: Path, entry: Entry) -> Recording:
    """A view's recording, of which nothing has been read yet."""
    return Recording(view_segments(out, entry))


def start_of(out: Path, entry: Entry) -> int | None:
    """When a view's recording begins; None where nothing of it is stored, or nothing says so."""
    stated = _stated_start(entry)
    if stated is not None:
        return stated
    first = next(view_segments(out, entry), None)
    return facts(first).start_ms if first is not None else None


def nothing_to_play(entry: Entry, account: Account | None = None) -> str:
    """Why a view cannot be played, as a sentence that names it; empty where it can, as far as it is known."""
    why = why_silent(entry, account)
    return f"view {entry.record.planned.view.view_id}: {why}" if why else ""


def why_silent(entry: Entry, account: Account | None = None) -> str:
    """The reason alone, for places where the view's name stands already."""
    if entry.span is None:
        why = entry.record.reason or str(entry.record.outcome or "not asked for yet")
        return f"nothing of it is stored here ({why})"
    if account is not None and not account.has_page:
        arrived = some(account.segments, "segment is", "segments are")
        return f"no full snapshot of its page arrived ({arrived} there)"
    return ""


def _stated_start(entry: Entry) -> int | None:
    return entry.record.recording.start_ms


@dataclass(slots=True)
class WrittenViews:
    """What was written, and why some views have no file."""

    folder: Path
    files: int = 0
    bytes: int = 0
    read: int = 0
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RrwebMoment:
    """How far writing has come; sizes in bytes, read and written, seconds since its start."""

    total: int
    done: int
    files: int
    bytes: int
    seconds: float

    def words(self) -> list[str]:
        """What to say, the most important first."""
        read = f"{size(self.done)} of {size(self.total)} read"
        return [read, some(self.files, "view"), f"{size(self.bytes)} written", duration(self.seconds)]

    def fields(self) -> dict[str, int | float | None]:
        """The same as numbers."""
        return {
            "bytes_total": self.total,
            "bytes_read": self.done,
            "views": self.files,
            "bytes_written": self.bytes,
        }


def write_rrweb(out: Path, folder: Path, sessions: Sequence[str], shown_by: Reporter | None) -> WrittenViews:
    """Write the events of all views, or of those of some sessions; a file is whole or not there.

    Raises InputError where a session is none, ArchiveError where the archive cannot be read or a file not be written.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--rrweb {folder} is a file; it must be a folder, made if it is not there")
    written = WrittenViews(folder)
    chosen = [session_entries(out, session) for session in sessions]  # a mistake costs nothing: before all writing
    total = _stored(chain(*chosen) if chosen else entries(readable(out))) if shown_by else 0
    pulse = Ticker(shown_by, lambda s: RrwebMoment(total, written.read, written.files, written.bytes, s))
    for entry in chain(*chosen) if chosen else entries(readable(out)):
        _write(out, entry, written)
        written.read += _stored([entry])
        pulse.beat()
    pulse.close()
    return written


def _stored(views: Iterable[Entry]) -> int:
    """Bytes that some views take on the disk."""
    return sum(entry.span.length for entry in views if entry.span is not None)


def _write(out: Path, entry: Entry, written: WrittenViews) -> None:
    reason = nothing_to_play(entry)
    if reason:
        written.left_out.append(reason)
        return
    session_id, view_id = entry.record.planned.view
    path = written.folder / session_id / f"{view_id}.json"
    temporary = path.with_name(f".{path.name}.unfinished")
    recording = recording_of(out, entry)
    with explained(f"writing {path}"):
        make_folder(path.parent)
        try:
            write_atomically(path, _blocks(recording), temporary)
        finally:
            temporary.unlink(missing_ok=True)
        written.bytes += path.stat().st_size
        reason = nothing_to_play(entry, recording.account)
        if reason:
            path.unlink()
            written.left_out.append(reason)
        else:
            written.files += 1


def _blocks(recording: Recording) -> Iterator[bytes]:
    """The JSON array, one event a line, in blocks."""
    lines, held = [b"["], 0
    separator = b"\n"
    for event in recording.events():
        lines += (separator, event.json)
        separator = b",\n"
        held += len(event.json)
        if held > _BLOCK:
            yield b"".join(lines)
            lines, held = [], 0
    yield b"".join([*lines, b"\n]\n"])
