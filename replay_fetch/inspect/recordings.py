"""Find the recordings of an archive that can be played, give the reasons against the rest, and write events for rrweb.

Events go to ``FOLDER/<session_id>/<view_id>.json``: a JSON array for each view, in the form that rrweb's
players read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from replay_fetch.api.segment import facts
from replay_fetch.archive.durable import explained, make_folder, write_atomically
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read.views import view_segments
from replay_fetch.archive.shelf import Shelf, readable
from replay_fetch.errors import InputError, SettingsError
from replay_fetch.inspect.entries import entries, session_entries
from replay_fetch.named_file import is_archive, require_folder_place
from replay_fetch.printable import as_argument, printable
from replay_fetch.progress.reporters import Reporter, Ticker
from replay_fetch.progress.units import duration, size, some
from replay_fetch.replay.account import Account
from replay_fetch.replay.recording import Recording

# Large enough that writing costs no time, small enough not to be seen in memory.
_BLOCK = 2**18


def chosen_views(out: Shelf, session: str, view: str | None) -> list[Entry]:
    """Find the views of a session, in order of time, or the one that ``view`` names.

    Both ids may be cut short where only one begins so. Raises InputError where none, or more than one, does.
    """
    found = session_entries(out, session)
    if view is not None:
        wanted = view.casefold()
        found = [entry for entry in found if entry.record.planned.view.view_id.casefold().startswith(wanted)]
        # The whole id of one view may be the beginning of another's.
        exact = [entry for entry in found if entry.record.planned.view.view_id == view]
        if len(exact or found) != 1:
            begin = f"{some(len(found), 'view')}" if found else "no view"
            verb = "begin" if found else "begins"
            lists = f"`replay-fetch show {as_argument(out.place())} {as_argument(session)}` lists them"
            raise InputError(
                f"{begin} of the session {printable(session, 200)} in {out.place()} {verb} with "
                f"'{printable(view, 60)}'; {lists}"
            )
        found = exact or found
    # Views without a time come last: nothing was recorded of most of them.
    return sorted(found, key=lambda entry: (_stated_start(entry) is None, _stated_start(entry) or 0))


def recording_of(out: Shelf, entry: Entry) -> Recording:
    """Open a view's recording; no segment is read before an event, a page or an account of it is asked for."""
    return Recording(view_segments(out, entry))


def start_of(out: Shelf, entry: Entry) -> int | None:
    """Return the start of a view's recording, in milliseconds since 1970; None where nothing is stored or says so."""
    stated = _stated_start(entry)
    if stated is not None:
        return stated
    # Where the manifest does not say, the first segment may.
    first = next(view_segments(out, entry), None)
    return facts(first).start_ms if first is not None else None


def nothing_to_play(entry: Entry, account: Account | None = None) -> str:
    """Give the reason why a view cannot be played, in a sentence with the view's id; empty where none is known."""
    why = why_silent(entry, account)
    return f"view {entry.record.planned.view.view_id}: {why}" if why else ""


def why_silent(entry: Entry, account: Account | None = None) -> str:
    """Give the reason why a view cannot be played, without the view's name; empty where no reason is known.

    ``account`` comes from watching the recording to its end. Without the account, a missing full snapshot is
    not known yet, and only views without stored bytes have a reason.
    """
    if entry.waiting:
        return "it waits for its session to be whole: the last run into the archive has not ended"
    if entry.span is None:
        why = entry.record.reason or str(entry.record.outcome or "not asked for yet")
        return f"no segment of it is stored here ({why})"
    if account is not None and not account.has_page:
        arrived = some(account.segments, "segment is", "segments are")
        return f"no full snapshot of its page arrived ({arrived} there)"
    return ""


def _stated_start(entry: Entry) -> int | None:
    return entry.record.recording.start_ms


@dataclass(slots=True)
class WrittenViews:
    """The event files written so far, in number and bytes, and a reason for each view without a file."""

    folder: Path
    files: int = 0
    bytes: int = 0
    read: int = 0
    left_out: list[str] = field(default_factory=list)
    silent_sessions: list[str] = field(default_factory=list)
    """Of the sessions that were named, the ids of those of which no view has a file."""


@dataclass(frozen=True, slots=True)
class RrwebSnapshot:
    """The progress of writing events: bytes read of the archive, views and bytes written, seconds since the start."""

    total: int
    done: int
    files: int
    bytes: int
    seconds: float

    def words(self) -> list[str]:
        """Format the progress for people, the most important part first: a narrow terminal cuts the rest."""
        read = f"{size(self.done)} of {size(self.total)} read"
        return [read, some(self.files, "view"), f"{size(self.bytes)} written", duration(self.seconds)]

    def fields(self) -> dict[str, int | float | None]:
        """Return the progress as numbers, for the log in JSON."""
        return {
            "bytes_total": self.total,
            "bytes_read": self.done,
            "views": self.files,
            "bytes_written": self.bytes,
        }


def write_rrweb(out: Shelf, folder: Path, sessions: Sequence[str], reporter: Reporter | None) -> WrittenViews:
    """Write the events of all views, or of those of some sessions, into a file for each view.

    A file is whole or not there. Raises InputError where a session is unknown, before any file is written;
    ArchiveError where the archive cannot be read, or a file not be written.
    """
    require_folder_place("--rrweb", folder)
    if is_archive(folder):  # a session's id may be the name of one of the archive's folders
        raise SettingsError(f"--rrweb {folder} is an archive; name another folder, such as {folder / 'rrweb'}")
    written = WrittenViews(folder)
    chosen = [session_entries(out, session) for session in sessions]  # a mistake costs nothing: before all writing
    total = _stored(chain(*chosen) if chosen else entries(readable(out))) if reporter else 0
    ticker = Ticker(reporter, lambda s: RrwebSnapshot(total, written.read, written.files, written.bytes, s))
    silent = dict.fromkeys(view.record.planned.view.session_id for views in chosen for view in views)
    # The manifest is read a second time rather than held: its lines may be millions.
    for entry in chain(*chosen) if chosen else entries(readable(out)):
        if _write(out, entry, written):
            silent.pop(entry.record.planned.view.session_id, None)
        written.read += _stored([entry])
        ticker.beat()
    ticker.close()
    written.silent_sessions = list(silent)
    return written


def _stored(views: Iterable[Entry]) -> int:
    """Sum up the bytes of some views on the disk, compressed as the archive is."""
    return sum(entry.span.length for entry in views if entry.span is not None)


def _write(out: Shelf, entry: Entry, written: WrittenViews) -> bool:
    """Write one view's file and return True; a recording without a picture, which reading it shows, leaves none."""
    reason = nothing_to_play(entry)
    if reason:
        written.left_out.append(reason)
        return False
    session_id, view_id = entry.record.planned.view
    path = written.folder / session_id / f"{view_id}.json"
    # Beside the file, so that giving it its name is one step on one file system.
    temporary = path.with_name(f".{path.name}.unfinished")
    recording = recording_of(out, entry)
    with explained(f"writing {path}"):
        make_folder(path.parent)
        try:
            write_atomically(path, _blocks(recording), temporary)
        finally:
            temporary.unlink(missing_ok=True)
        written.bytes += path.stat().st_size
        # Only after its last record is it known that a recording never had a full snapshot.
        reason = nothing_to_play(entry, recording.account)
        if reason:
            path.unlink()
            written.left_out.append(reason)
        else:
            written.files += 1
    return not reason


def _blocks(recording: Recording) -> Iterator[bytes]:
    """Yield a JSON array in blocks of some 256 kB, with each event on its own line, for ``grep`` and ``diff``."""
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
