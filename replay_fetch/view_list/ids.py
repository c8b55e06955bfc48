"""The columns of ids: their kind is told from the first rows of a list, and every row is held against the kind."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from replay_fetch.api.endpoint import check_id
from replay_fetch.model import ID, LONGEST_ID, NO_ID
from replay_fetch.printable import printable
from replay_fetch.view_list.header import Header, SessionHeader, unwrapped
from replay_fetch.view_list.links import has_link, read_link

# The rows that decide what a column holds: all of a small list, and of a large one enough to outvote a stray row.
# They are read twice, and kept in memory until the list is under way, so their characters are bounded too.
_DECIDING = 1000
_DECIDING_CHARS = 2**20
# Columns of one name that a complaint names; a joined table has two or three.
_MOST_NAMESAKES = 3

_HEX = "[0-9A-Fa-f]"
_UUID = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
UUID = re.compile(_UUID)
_is_uuid = UUID.fullmatch
_names_none = re.compile(NO_ID).fullmatch
# How the columns of ids are called, spelled with what an id may hold: lists that were put together hold more headers.
_NAMES = r"(?i:(?:session|view)[_-]?id)"


@dataclass(frozen=True, slots=True)
class IdColumn:
    """A column of ids. Where most ids are UUIDs, a text that is no UUID is a cell of another kind, and refused."""

    what: str
    uuids: bool = False
    name: str = ""
    """The column's name in the header."""
    fits: Callable[[str], object] = field(init=False)
    """True of an id that stands bare in its cell; one call for each of millions of ids."""

    def __post_init__(self) -> None:
        if self.uuids:
            # So many digits and dashes are a UUID for sure enough, at two thirds of the cost of counting them by
            # group. Of those that begin with zeros or a dash, `checked` has the last word.
            pattern = "(?!0{8}|-)[0-9A-Fa-f-]{36}"
        else:
            name = self.name if len(self.name) <= LONGEST_ID else ""
            # One look at the first character spares nearly all ids the words, which take three times as long.
            first = re.escape("-_0NnSsUuVv" + name[:1].upper() + name[:1].lower())
            pattern = rf"(?!(?=[{first}])(?:{NO_ID}|{_NAMES}|(?i:{re.escape(name)}))\Z){ID}"
        object.__setattr__(self, "fits", re.compile(pattern).fullmatch)  # derived, in a frozen dataclass

    def checked(self, text: str) -> str:
        """Take the id out of a cell; raises ValueError with a printable reason where no id is there."""
        found = unwrapped(text)
        if not found:
            raise ValueError(f"the {self.what} is missing")
        if _names_none(found):
            raise ValueError(f"the {self.what} is missing: '{printable(found, 60)}' stands for none")
        try:
            check_id(found)
        except ValueError as reason:
            advice = "; it is a replay link: give such a list with --sessions" if has_link(found) else ""
            raise ValueError(f"{self.what}: {reason}{advice}") from None
        shown = printable(found, 60)
        if self.uuids and not _is_uuid(found):
            raise ValueError(f"{self.what}: the id '{shown}' is no UUID, as the others of its column are")
        if not self.uuids and not self.fits(found):
            raise ValueError(f"{self.what}: '{shown}' is what columns are called")
        return found


def id_columns(lines: Iterator[str], header: Header) -> tuple[IdColumn, IdColumn, list[str]]:
    """Tell the columns of sessions and of views; return both, and the lines that were read on the way.

    Raises ValueError where two columns with the same name hold different ids.
    """
    head = deciding(lines)
    rows = list(_rows(head, header.delimiter))
    for at in (header.session, header.view):
        _check_namesakes(rows, header, at)
    session, view = (
        IdColumn(what, mostly_uuids(row[at] for row in rows if at < len(row)), header.names[at])
        for what, at in (("session id", header.session), ("view id", header.view))
    )
    return session, view, head


def session_column(head: Iterable[str], header: SessionHeader | None) -> IdColumn:
    """Tell the column of sessions from the first lines of a list; without a header, a line holds one entry alone.

    A link counts as the id in it: a word between links, as in a mail, is no id of another kind.
    """
    if header is None:
        return IdColumn("session id", mostly_uuids(map(_session_in, head)))
    at = header.session
    cells = (_session_in(row[at]) for row in _rows(list(head), header.delimiter) if at < len(row))
    return IdColumn("session id", mostly_uuids(cells), header.names[at])


def _session_in(entry: str) -> str:
    try:
        return read_link(entry).session_id if has_link(entry) else entry
    except ValueError:  # the row itself is refused with the reason
        return ""


def deciding(lines: Iterator[str]) -> list[str]:
    """Take the lines that decide which kind of ids a list holds."""
    head: list[str] = []
    room = _DECIDING_CHARS
    for line in lines:
        head.append(line)
        room -= len(line)
        if len(head) == _DECIDING or room < 0:
            break
    return head


def columns_of_pairs(pairs: Iterator[object]) -> tuple[IdColumn, IdColumn, list[object]]:
    """Tell the columns of sessions and of views from the first pairs given by a program."""
    head = list(islice(pairs, _DECIDING))
    known = [pair for pair in head if isinstance(pair, Sequence) and len(pair) == 2]  # noqa: PLR2004 - a pair
    session, view = (
        IdColumn(what, mostly_uuids(pair[at] for pair in known if isinstance(pair[at], str)))
        for at, what in enumerate(("session id", "view id"))
    )
    return session, view, head


def _check_namesakes(rows: Iterable[Sequence[str]], header: Header, at: int) -> None:
    """Refuse columns with the same name, as joined tables have, where the ids in the columns differ."""
    others = header.namesakes(at)
    for row in rows if others else ():
        ids = {unwrapped(row[each]) for each in (at, *others) if each < len(row)} - {""}
        if len(ids) > 1:
            shown = (at, *others)[:_MOST_NAMESAKES]
            names = " and ".join(f"{printable(header.names[each], 60)!r} (column {each + 1})" for each in shown)
            hidden = len(others) + 1 - len(shown)
            more = f" and {hidden} more of that name" if hidden else ""
            raise ValueError(
                f"the columns {names}{more} hold different ids; leave all but one of them out, or give them other names"
            )


def _rows(head: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    """The rows in the given lines, up to the first row that is no CSV; reading proper reports that row."""
    try:
        yield from csv.reader(head, delimiter=delimiter, skipinitialspace=True, strict=True)
    except csv.Error:
        return


def mostly_uuids(cells: Iterable[str]) -> bool:
    """True where at least half of the ids are UUIDs: in a list of two rows, either may be the stray."""
    anything = re.compile(ID).fullmatch
    ids = [text for text in map(unwrapped, cells) if anything(text) and not _names_none(text)]
    return 0 < len(ids) <= 2 * sum(1 for text in ids if _is_uuid(text))
