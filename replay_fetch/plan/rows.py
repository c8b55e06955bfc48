"""The rows of a list: views to fetch, and rows that cannot be used, each with its line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from replay_fetch.api import check_id
from replay_fetch.errors import InputError
from replay_fetch.model import ID, View
from replay_fetch.moments import epoch_ms
from replay_fetch.plan.header import Header

# What check_id takes, without a call for each of millions of ids.
_FITS = re.compile(ID).fullmatch
_new = tuple.__new__


class PlannedRow(NamedTuple):
    """A row that names a view; ``segments_count`` is what the list says it should have.

    Where it says so, ``dated`` is when, in seconds since 1970, the list says that the view began.
    """

    line: int
    view: View
    segments_count: int | None
    dated: int | None = None


class BadRow(NamedTuple):
    """A row that cannot be used, and why; the reason is safe to print."""

    line: int
    reason: str


def csv_rows(lines: Iterator[str], header: Header, name: str) -> Iterator[PlannedRow | BadRow]:
    """The rows behind the header; ``line`` is the physical line on which a row starts.

    Blank rows are passed over. Raises InputError where a quote is never closed, for then nobody
    can tell which rows it swallowed.
    """
    reader = csv.reader(lines, delimiter=header.delimiter, skipinitialspace=True, strict=True)
    at_session, at_view, at_count = header.session, header.view, header.segments_count
    at_date = header.date if at_count is not None else None
    width = max(at_session, at_view, at_count or 0, at_date or 0) + 1
    ended = header.lines
    while True:
        try:
            for cells in reader:
                line, ended = ended + 1, header.lines + reader.line_num
                # The quick way, for nearly every row of millions; the rest is looked at closely.
                if len(cells) >= width and _FITS(session_id := cells[at_session]) and _FITS(view_id := cells[at_view]):
                    count = None if at_count is None else _count(cells[at_count])
                    # View(…) in a PlannedRow(…), at a third of the cost.
                    dated = _seconds(cells[at_date]) if count and at_date is not None else None
                    yield _new(PlannedRow, (line, _new(View, (session_id, view_id)), count, dated))
                elif any(map(str.strip, cells)):
                    yield _odd_row(line, cells, header)
        except csv.Error as error:
            line, ended = ended + 1, header.lines + reader.line_num
            if ended > line or "unexpected end" in str(error):
                raise InputError(f"{name}, line {line}: a quote opens in this row and is not closed properly") from None
            yield BadRow(line, f"not CSV: {error}")
        else:
            return


def pair_rows(pairs: Iterable[tuple[str, str]]) -> Iterator[PlannedRow | BadRow]:
    """The same for pairs given by a program; ``line`` counts them from 1."""
    for number, pair in enumerate(pairs, start=1):
        try:
            view = _checked_pair(pair)
        except ValueError as error:
            yield BadRow(number, str(error))
        else:
            yield PlannedRow(number, view, None)


def _checked_pair(pair: object) -> View:
    match pair:
        case (str(session_id), str(view_id)):
            return _checked(session_id, view_id)
    raise ValueError("not a pair of a session id and a view id, both text")


def _odd_row(line: int, cells: Sequence[str], header: Header) -> PlannedRow | BadRow:
    """A row with a cell missing, or with an id that is bad or has space around it."""

    def cell(at: int | None) -> str:
        return cells[at] if at is not None and at < len(cells) else ""

    try:
        view = _checked(cell(header.session), cell(header.view))
    except ValueError as error:
        return BadRow(line, str(error))
    count = _count(cell(header.segments_count))
    return PlannedRow(line, view, count, _seconds(cell(header.date)) if count else None)


def _checked(session_id: str, view_id: str) -> View:
    """The view, surrounding space taken off its ids; raises ValueError with a printable reason."""
    return View(_checked_id("session id", session_id), _checked_id("view id", view_id))


def _checked_id(what: str, text: str) -> str:
    text = text.strip()
    if not text:
        raise ValueError(f"the {what} is missing")
    try:
        return check_id(text)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None


def _count(text: str) -> int | None:
    """A count of segments, also as ``12.0``; a hint, so what is no count is none."""
    digits = text.strip().removesuffix(".0")
    # 9 digits keep int() cheap and the ledger's integers in range, whatever a stranger wrote.
    return int(digits) if digits.isdecimal() and len(digits) <= 9 else None  # noqa: PLR2004


def _seconds(text: str) -> int | None:
    """A date in seconds since 1970; a hint, so what is no ISO date is none."""
    try:
        return epoch_ms(datetime.fromisoformat(text.strip())) // 1000
    except ValueError:
        return None
