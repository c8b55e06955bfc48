"""The one session that somebody names by its id, or by how it begins."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from replay_fetch.archive import Entry, entries, readable
from replay_fetch.errors import InputError


def session_entries(out: Path, session: str, view: str | None = None) -> list[Entry]:
    """The views of the session whose id is, or alone begins with, ``session``; of them one, found alike.

    Reads the manifest alone. Raises InputError where there is none or more than one.
    """
    found: dict[str, list[Entry]] = {}
    for entry in entries(readable(out)):
        session_id = entry.record.planned.view.session_id
        if session_id.startswith(session):
            found.setdefault(session_id, []).append(entry)
    chosen = found[_only(session, found, f"sessions in {out}")]
    if view is None:
        return chosen
    by_id = {entry.record.planned.view.view_id: entry for entry in chosen}
    begin_so = {view_id: entry for view_id, entry in by_id.items() if view_id.startswith(view)}
    return [by_id[_only(view, begin_so, f"views of session {chosen[0].record.planned.view.session_id}")]]


def _only(wanted: str, found: Collection[str], of_what: str) -> str:
    """The id that is, or alone begins with, what is wanted."""
    if wanted not in found and len(found) != 1:
        few = ", ".join(list(found)[:3])
        raise InputError(f"{len(found)} {of_what} begin with {wanted!r}{': ' + few if few else ''}")
    return wanted if wanted in found else next(iter(found))
