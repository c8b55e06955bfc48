"""A list of sessions alone: ids one a line, or the column of them in a CSV.

The reader of such a list removes what the ids name, so a row that is no id refuses the whole list.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from replay_fetch.errors import InputError
from replay_fetch.view_list.header import unwrapped
from replay_fetch.view_list.ids import IdColumn
from replay_fetch.view_list.source import ListSource, name_of, open_lines, wide_cells

_DELIMITERS = ",;\t"
# Names of the column with case, white space, "@", dots, underscores and dashes taken out.
_NAMES = ("sessionid", "session", "id")
_IGNORED = re.compile(r"[\s@._-]+")
_COLUMN = IdColumn("session id")


def session_ids(source: ListSource) -> Iterator[str]:
    """Read the ids of a list, a path or ``-``; a header is told by its name, and other columns are passed over.

    Raises InputError, which names the line, where the list cannot be read or a row holds no id.
    """
    name = name_of(source)
    with open_lines(source) as lines, wide_cells():
        first = next((line for line in lines if unwrapped(line)), "")
        delimiter, at, has_header = _shape(first)
        rows = csv.reader(chain([] if has_header else [first], lines), delimiter=delimiter, skipinitialspace=True)
        try:
            for cells in rows:
                if any(map(unwrapped, cells)):
                    yield checked_session(cells[at] if at < len(cells) else "")
        except (ValueError, csv.Error) as reason:
            raise InputError(f"{name}, line {rows.line_num + has_header}: {reason}") from None


def checked_sessions(ids: Iterable[str], flag: str) -> list[str]:
    """Return ids that were typed behind a flag; raises InputError, with the flag, for one that cannot be an id."""
    try:
        return [checked_session(each) for each in ids]
    except ValueError as reason:
        raise InputError(f"{flag}: {reason}") from None


def checked_session(text: str) -> str:
    """Return the id in a cell; raises ValueError with a printable reason where no id is there."""
    return _COLUMN.checked(text)


def _shape(first: str) -> tuple[str, int, bool]:
    """Tell a list's delimiter, the place of its ids, and whether its first line is a header."""
    for delimiter in _DELIMITERS:
        cells = [_IGNORED.sub("", unwrapped(cell)).casefold() for cell in _cells(first, delimiter)]
        at = next((cells.index(name) for name in _NAMES if name in cells), None)
        if at is not None:
            return delimiter, at, True
    return max(_DELIMITERS, key=first.count), 0, False


def _cells(line: str, delimiter: str) -> Sequence[str]:
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
