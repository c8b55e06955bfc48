"""Which views of an archive are played, and why there may be nothing to play in one."""

from __future__ import annotations

from pathlib import Path

from replay_fetch.api import facts
from replay_fetch.archive import Entry, session_entries, view_segments
from replay_fetch.errors import InputError
from replay_fetch.progress.units import some
from replay_fetch.replay import Account, Recording


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
