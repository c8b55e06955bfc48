"""A list of views from any source, as the rest of the program sees lists."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Self

from replay_fetch.errors import InputError
from replay_fetch.settings import PlanSettings
from replay_fetch.view_list.header import SessionHeader, read_header
from replay_fetch.view_list.ids import columns_of_pairs, id_columns
from replay_fetch.view_list.json_lines import JsonList, is_json
from replay_fetch.view_list.links import SiteCheck
from replay_fetch.view_list.reading import Reading
from replay_fetch.view_list.rows import PlannedRow, Row, SessionRow, csv_rows, pair_rows
from replay_fetch.view_list.session_rows import SessionReader, is_bare
from replay_fetch.view_list.source import ListSource, wide_cells

_Rows = Generator[Row, None, None]
_MOST_BLANK = 1000  # lines in front of a list, kept until its form is known


@dataclass(slots=True)
class _Form:
    """The form of a list, as far as its first lines have shown."""

    names_sessions: bool = False


class ViewList:
    """Views to fetch, in the order of the list: a file, a folder of files, ``-`` (stdin), or a binary stream.

    A list is a table with a header, JSON lines, a Parquet file, or ids and replay links, one a line; a folder holds
    files of exported events, read in the order of their paths. Where a list names sessions alone, its good rows are
    SessionRows, and the views are still to be found. Gzip is recognised by the first bytes. Nothing is opened before
    the rows are asked for; leaving the context closes every opened file. A path can be read again, a stream only once.
    """

    def __init__(self, source: ListSource, settings: PlanSettings | None = None, site: str = "") -> None:
        """Take the source; ``site`` is the only one to which its links may lead, or empty for any."""
        settings = settings or PlanSettings()
        self._reading = Reading(source)
        self.name = self._reading.name
        # No bound method below: a list in a circle with its own reader would be closed after its file.
        self._form = _Form()
        self.was_found = False
        """The rows were made of what a search found, and not read from the source."""
        self._read: Callable[[], _Rows] = partial(_listed, self._reading, settings, site, self._form)
        self._max_views = settings.max_views
        self._begun: _Rows | None = None
        self._opened = ExitStack()

    @property
    def names_sessions(self) -> bool:
        """True of a list that names sessions without views; known once it has begun."""
        return self._form.names_sessions

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, str]], settings: PlanSettings | None = None) -> Self:
        """Make a list of pairs that a program has; an unusable pair becomes a BadRow with the pair's number.

        Reading raises InputError for an object that is no pair, and for an id that is no text: a program's mistake,
        which would be in every other row too.
        """
        views = cls("pairs", settings)
        views._read = partial(_pairs, pairs)
        return views

    @classmethod
    def of_rows(cls, origin: ViewList, rows: Callable[[], _Rows], settings: PlanSettings) -> Self:
        """Make a list of rows that were made of the list ``origin``; ``rows`` gives all of them at every call."""
        views = cls(origin.name, settings)
        views._read = rows
        views._reading = origin._reading
        views.was_found = True
        return views

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @property
    def bytes_read(self) -> tuple[int, int]:
        """How many bytes of the list's files are read, packed or not, and how many there are; 0 and 0 of a pipe."""
        return self._reading.bytes_read

    def place(self, line: int) -> str:
        """Name the place of a row in words: ``line 12``, with the file in front where the list is a folder."""
        return self._reading.place(line)

    def begin(self) -> None:
        """Read as far as the first row, to know that a list is there before an archive is made for the list.

        Raises InputError where no list is there. Nothing read is lost: the next ``rows()`` begins with the first
        row.
        """
        if self._begun is not None:
            return
        rows = self._open()
        self._begun = _put_back(list(islice(rows, 1)), rows)

    def rows(self) -> Iterator[Row]:
        """Every row but blank rows, good and bad; duplicates and repeated headers too.

        With ``max_views`` the list ends behind so many good rows. Raises InputError, at the first row or later,
        where the list cannot be read.
        """
        # A stream can be read once: the row that `begin` has read is given out here, not read again.
        rows, self._begun = self._begun or self._open(), None
        return rows if self._max_views is None else _first(rows, self._max_views)

    def _open(self) -> _Rows:
        rows = self._read()
        self._opened.callback(rows.close)
        return rows


def _listed(reading: Reading, settings: PlanSettings, site: str, form: _Form) -> _Rows:
    """Read a source in the form that its first line shows: JSON, a bare id or link, or a table's header."""
    with reading.lines() as lines, wide_cells():
        reader = SessionReader(reading.name, SiteCheck(reading.name, site, reading.place), settings.view_only)
        first, rest = _first_line(lines)
        # A folder holds exported events: a first line that is none of them is one bad row.
        if is_json(first) or reading.folder:
            objects = JsonList.begun(rest, settings, reader)
            form.names_sessions = not (objects.names_views or settings.view_only)
            yield from objects.rows()
        elif is_bare(first):
            form.names_sessions = not settings.view_only
            yield from reader.bare_rows(rest)
        else:
            yield from _table(rest, settings, reader, form)


def _table(lines: Iterator[str], settings: PlanSettings, reader: SessionReader, form: _Form) -> _Rows:
    header, rest = read_header(lines, reader.name, settings)
    if isinstance(header, SessionHeader):
        form.names_sessions = not settings.view_only
        yield from reader.csv_rows(rest, header)
        return
    try:
        session, view, deciding = id_columns(rest, header)
    except ValueError as reason:
        raise InputError(f"{reader.name}: {reason}") from None
    yield from csv_rows(chain(deciding, rest), header, (session, view), reader.name)


def _first_line(lines: Iterator[str]) -> tuple[str, Iterator[str]]:
    """Take the first line that is not blank; return the line, and all lines with that one."""
    blank = []
    for line in lines:
        blank.append(line)
        if line.strip("\ufeff \r\n") or len(blank) > _MOST_BLANK:
            break
    return (blank[-1] if blank else ""), chain(blank, lines)


def _pairs(pairs: Iterable[object]) -> _Rows:
    each = iter(pairs)
    session, view, deciding = columns_of_pairs(each)
    yield from pair_rows(chain(deciding, each), (session, view))


def _put_back(taken: list[Row], rows: _Rows) -> _Rows:
    yield from taken
    yield from rows


def _first(rows: _Rows, most: int) -> Iterator[Row]:
    for row in rows:
        yield row
        # Bad rows are passed on and do not count: N views were asked for.
        most -= isinstance(row, PlannedRow | SessionRow)
        if not most:
            rows.close()
            return
