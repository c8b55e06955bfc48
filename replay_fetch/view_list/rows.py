"""The rows of a list: views to fetch, and rows that cannot be used, each with a line number."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from replay_fetch.errors import InputError
from replay_fetch.model import View
from replay_fetch.timestamps import epoch_ms
from replay_fetch.view_list.header import Header
from replay_fetch.view_list.ids import IdColumn
from replay_fetch.view_list.source import LONGEST_CELL

_new = tuple.__new__


class PlannedRow(NamedTuple):
    """A row that names a view; ``segments_count`` is the number of segments that the list expects.

    Where a count is given, ``dated`` is the time, in seconds since 1970, at which the view began by the list.
    """

    line: int
    view: View
    segments_count: int | None
    dated: int | None = None


class SessionRow(NamedTuple):
    """A row that names a session whose views are still to be found; a link may name one of the views."""

    line: int
    session_id: str
    view_id: str | None = None


class BadRow(NamedTuple):
    """A row that cannot be used, with the reason; the reason is safe to print."""

    line: int
    reason: str


class RepeatedHeader(NamedTuple):
    """The header once more, in the middle of lists that were put together; no view is named."""

    line: int


Row = PlannedRow | SessionRow | BadRow | RepeatedHeader
_Columns = tuple[IdColumn, IdColumn]

# psql and Markdown draw a line below the header; psql counts the rows at the end.
_DRAWN = " \t\r\n-+:="
_COUNTED = re.compile(r"\(\d+ rows?\)\s*")

_TOO_MANY = "it has {} cells where the header has {}, so its ids may stand elsewhere; is a comma not quoted?"


def csv_rows(lines: Iterator[str], header: Header, columns: _Columns, name: str) -> Iterator[Row]:
    """Read the rows behind the header; ``line`` is the physical line on which a row starts.

    Blank rows are passed over. Raises InputError where a quote is never closed, since nobody can tell which rows the
    quote swallowed, and where another header exchanges the columns.
    """
    reader = csv.reader(lines, delimiter=header.delimiter, skipinitialspace=True, strict=True)
    at_session, at_view, at_count = header.session, header.view, header.segments_count
    at_date = header.date if at_count is not None else None
    # Bound methods and plain numbers: what follows runs for each of millions of rows.
    session_fits, view_fits = (column.fits for column in columns)
    fewest = max(at_session, at_view, at_count or 0, at_date or 0) + 1
    most = _most_cells(header, columns)
    ended = header.lines
    while True:
        try:
            for cells in reader:
                line, ended = ended + 1, header.lines + reader.line_num
                # The quick way, for nearly every row of millions; the rest is looked at closely.
                if (
                    fewest <= len(cells) <= most
                    and session_fits(session := cells[at_session])
                    and view_fits(view := cells[at_view])
                ):
                    count = None if at_count is None else count_of(cells[at_count])
                    # View(…) in a PlannedRow(…), at a third of the cost.
                    dated = seconds_of(cells[at_date]) if count and at_date is not None else None
                    yield _new(PlannedRow, (line, _new(View, (session, view)), count, dated))
                elif not is_blank(cells, header.delimiter):
                    yield _odd_row(line, cells, header, columns, name)
        except csv.Error as error:
            line, ended = ended + 1, header.lines + reader.line_num
            yield not_csv(error, line, ended, name)
        else:
            return


def is_blank(cells: Sequence[str], delimiter: str) -> bool:
    """Tell whether a row holds nothing; in a table that is drawn with pipes, a drawn line holds nothing either."""
    if delimiter != "|":
        return not any(map(str.strip, cells))
    return not any(cell.strip(_DRAWN) for cell in cells) or _COUNTED.fullmatch(cells[0]) is not None


def not_csv(error: csv.Error, line: int, ended: int, name: str) -> BadRow:
    """Make a bad row of a row that csv cannot read, from ``line`` to ``ended``.

    Raises InputError where a quote is never closed: rows without number may be inside.
    """
    # csv has one class for all its errors; only its words tell which one this is.
    if "field limit" in str(error):
        raise InputError(
            f"{name}, line {line}: a cell of more than {LONGEST_CELL:,} characters begins in this row; "
            "is a quote not closed?"
        ) from None
    if ended > line or "unexpected end" in str(error):
        raise InputError(f"{name}, line {line}: a quote opens in this row and is not closed properly") from None
    return BadRow(line, f"not CSV: {error}")


def _most_cells(header: Header, columns: _Columns) -> int:
    """The most cells in a row whose ids stand where the header has ids; UUIDs in both columns are proof enough."""
    return sys.maxsize if all(column.uuids for column in columns) else len(header.names)


def pair_rows(pairs: Iterable[object], columns: _Columns) -> Iterator[PlannedRow | BadRow]:
    """Read pairs given by a program; ``line`` counts the pairs from 1.

    None stands for a missing id. Raises InputError for an object that is no pair, and for an id of another type than
    text.
    """
    for number, pair in enumerate(pairs, start=1):
        ids = _ids_in(pair, number)
        try:
            view = View(*(column.checked(text) for column, text in zip(columns, ids, strict=True)))
        except ValueError as error:
            yield BadRow(number, str(error))
        else:
            yield PlannedRow(number, view, None)


def _ids_in(pair: object, number: int) -> tuple[str, str]:
    match pair:
        case (str() | None as session_id, str() | None as view_id):
            return session_id or "", view_id or ""
        case (str() | None, other):
            raise InputError(f"pair {number} of the list: its view id is of the type {type(other).__name__}, not text")
        case (other, _):
            raise InputError(
                f"pair {number} of the list: its session id is of the type {type(other).__name__}, not text"
            )
    raise InputError(f"pair {number} of the list is no pair of a session id and a view id: {type(pair).__name__}")


def _odd_row(line: int, cells: Sequence[str], header: Header, columns: _Columns, name: str) -> Row:
    """Read a row with a missing cell, a bad id, an id with something around, or a repeated header."""

    def cell(at: int | None) -> str:
        return cells[at] if at is not None and at < len(cells) else ""

    session, view = columns
    try:
        if any(map(str.strip, cells[_most_cells(header, columns) :])):
            raise ValueError(_TOO_MANY.format(len(cells), len(header.names)))  # noqa: TRY301 - as the other reasons
        ids = View(session.checked(cell(header.session)), view.checked(cell(header.view)))
    except ValueError as reason:
        return _no_view(line, str(reason), cells, header, name)
    count = count_of(cell(header.segments_count))
    return PlannedRow(line, ids, count, seconds_of(cell(header.date)) if count else None)


def _no_view(line: int, reason: str, cells: Sequence[str], header: Header, name: str) -> BadRow | RepeatedHeader:
    try:
        return RepeatedHeader(line) if header.repeated_in(cells) else BadRow(line, reason)
    except ValueError as error:
        raise InputError(f"{name}, line {line}: {error}") from None


def count_of(text: str) -> int | None:
    """A count of segments, also as ``12.0``; a hint, so text that is no count gives None."""
    digits = text.strip().removesuffix(".0")
    # 9 digits keep int() cheap and the ledger's integers in range, whatever a stranger wrote.
    return int(digits) if digits.isdecimal() and len(digits) <= 9 else None  # noqa: PLR2004


def seconds_of(text: str) -> int | None:
    """Read a date as seconds since 1970; a hint, so text that is no ISO date gives None."""
    try:
        return epoch_ms(datetime.fromisoformat(text.strip())) // 1000
    except ValueError:
        return None
