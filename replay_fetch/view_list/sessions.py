"""The sessions that a list names, for a command which removes what is named: a row in doubt refuses the list.

The list is any that a download takes: ids or replay links, one a line, a table with a column of them, or JSON lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from replay_fetch.errors import InputError
from replay_fetch.settings import PlanSettings
from replay_fetch.view_list.ids import IdColumn
from replay_fetch.view_list.links import has_link, read_link
from replay_fetch.view_list.rows import BadRow, PlannedRow, SessionRow
from replay_fetch.view_list.source import ListSource
from replay_fetch.view_list.view_list import ViewList

_COLUMN = IdColumn("session id")


def session_ids(source: ListSource) -> Iterator[str]:
    """Read the id of each row's session from a path, ``-`` for stdin, or a stream; repeats are passed on.

    Raises InputError, which names the line, where the list cannot be read or a row names no session.
    """
    with ViewList(source, PlanSettings(whole_sessions=True)) as sessions:
        for row in sessions.rows():
            match row:
                case BadRow(line, reason):
                    raise InputError(f"{sessions.name}, line {line}: {reason}")
                case SessionRow():
                    yield row.session_id
                case PlannedRow():
                    yield row.view.session_id


def checked_sessions(texts: Iterable[str], flag: str) -> list[str]:
    """Return the ids of sessions that were typed behind a flag, as ids or as replay links.

    Raises InputError, with the flag, for a text that is neither.
    """
    try:
        return [_COLUMN.checked(read_link(text).session_id if has_link(text) else text) for text in texts]
    except ValueError as reason:
        raise InputError(f"{flag}: {reason}") from None
