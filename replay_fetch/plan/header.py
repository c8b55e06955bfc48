"""The header line: what separates the columns, and which of them hold the ids."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from replay_fetch.errors import InputError
from replay_fetch.settings import PlanSettings

_DELIMITERS = ",;\t"
_SEPARATOR_HINT = re.compile(r"sep=(.)")  # first line of a CSV that a spreadsheet wrote for its own kind

# Names with case, spaces, "@", dots, underscores and dashes taken out.
_SESSION = ("sessionid",)
_VIEW = ("viewid",)
_SEGMENTS = ("segmentscount", "ddreplaystatssegmentscount")
_IGNORED = str.maketrans("", "", " \u00a0@._-")

# Long, hexadecimal, no word: an id where a column's name should be.
_LOOKS_LIKE_ID = re.compile(r"(?=.*[0-9])[0-9A-Fa-f-]{16,}")

# A header that quotes line breaks may take several lines, not the whole file.
_MOST_LINES = 20
_MOST_NAMES_SHOWN = 20


class Header(NamedTuple):
    """Where a row has its ids and its count of segments; ``lines`` lines lie before the first row."""

    delimiter: str
    session: int
    view: int
    segments_count: int | None
    lines: int


def read_header(lines: Iterator[str], name: str, settings: PlanSettings) -> Header:
    """Take the header off ``lines``.

    Raises InputError where the list is empty or no column can be told to hold the ids.
    """
    text, taken = _first_record(lines)
    delimiters = _DELIMITERS
    if hint := _SEPARATOR_HINT.fullmatch(text.strip("\r\n")):
        delimiters = hint[1]
        text, more = _first_record(lines)
        taken += more
    if not text:
        raise InputError(
            f"{name} is empty: it needs a header line, such as session_id,view_id, and a row for each view"
        )
    candidates = [(delimiter, _cells(text, delimiter)) for delimiter in delimiters]
    for delimiter, names in candidates:
        session, view = _ids(names, settings)
        if session is not None and view is not None and session != view:
            return Header(delimiter, session, view, _column(names, "", _SEGMENTS), taken)
    _, names = max(candidates, key=lambda candidate: len(candidate[1]))
    raise InputError(_complaint(names, name, taken, settings))


def _first_record(lines: Iterator[str]) -> tuple[str, int]:
    """The first line that is not blank, with those its quotes run on to; and how many were taken."""
    text, taken = "", 0
    for line in lines:
        taken += 1
        text += line
        if not text.strip("\ufeff \r\n"):
            text = ""
        elif text.count('"') % 2 == 0 or taken >= _MOST_LINES:
            break
    return text.lstrip("\ufeff"), taken


def _cells(text: str, delimiter: str) -> list[str]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        return [cell.strip() for cell in next(reader, [])]
    except csv.Error:
        return []


def _ids(names: Sequence[str], settings: PlanSettings) -> tuple[int | None, int | None]:
    return _column(names, settings.session_column, _SESSION), _column(names, settings.view_column, _VIEW)


def _column(names: Sequence[str], wanted: str, aliases: Sequence[str]) -> int | None:
    """The first column called ``wanted``, or by one of the aliases where none is wanted."""
    if wanted:
        keys = [wanted.strip().casefold()]
        named = [name.casefold() for name in names]
    else:
        keys = list(aliases)
        named = [name.casefold().translate(_IGNORED) for name in names]
    return next((at for at, name in enumerate(named) if name in keys), None)


def _complaint(names: Sequence[str], name: str, line: int, settings: PlanSettings) -> str:
    if sum(bool(_LOOKS_LIKE_ID.fullmatch(cell)) for cell in names) > 1:
        return (
            f"{name}, line {line} holds ids, not column names: put a header line above it, such as session_id,view_id"
        )
    session, view = _ids(names, settings)
    if session is not None and session == view:
        return f"{name}: --session-column and --view-column both mean {names[view][:60]!r}"
    lacking = [
        f"{what} ids ({flag})"
        for what, flag, at in (("session", "--session-column", session), ("view", "--view-column", view))
        if at is None
    ]
    shown = ", ".join(repr(cell[:60]) for cell in names[:_MOST_NAMES_SHOWN])
    more = f" and {len(names) - _MOST_NAMES_SHOWN} more" if len(names) > _MOST_NAMES_SHOWN else ""
    return f"{name} has no column for {' nor for '.join(lacking)}; its columns are {shown}{more}"
