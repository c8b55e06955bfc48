"""Tables as CSV text, which ``download`` reads and a spreadsheet may open; the only place where cells are written."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from replay_fetch.api.events import FoundView
from replay_fetch.model import ID

COLUMNS = ("session_id", "view_id", "date", "application_id", "view_url", "segments_count", "sdk")
# Some 200 kB of text a piece: memory does not grow with the table, and a write is worth its call.
_ROWS_AT_ONCE = 1000
# Columns of ids, which the download needs exactly: no character of an id can do harm but a dash at its start.
_IDS = ("session_id", "view_id")
_is_id = re.compile(ID).fullmatch
# Signs by which a spreadsheet takes a cell for a formula, the wide forms where it speaks Japanese: at the start of a
# cell, or of a part that becomes a cell where it splits at semicolons.
_FORMULA = re.compile(r"((?:^|;) *)([=+@\uff1d\uff0b\uff0d\uff20-])")


def csv_text(views: Iterable[FoundView]) -> Iterator[str]:
    """Write the list of views that a search found, in pieces of CSV text."""
    return table_text(
        COLUMNS,
        (
            (*found.view, found.date, found.application_id, found.view_url, found.segments_count, found.sdk)
            for found in views
        ),
    )


def table_text(
    columns: Sequence[str], rows: Iterable[Iterable[object]], rows_at_once: int = _ROWS_AT_ONCE
) -> Iterator[str]:
    """Write a table, header first, in pieces of whole lines; every cell as `cell` writes cells."""
    piece = io.StringIO()
    lines = csv.writer(piece, lineterminator="\n")
    lines.writerow(columns)
    for number, row in enumerate(rows, start=1):
        lines.writerow(map(cell, columns, row))
        if number % rows_at_once == 0:
            yield piece.getvalue()
            piece.seek(0)
            piece.truncate()
    if piece.tell():
        yield piece.getvalue()


def cell(column: str, value: object) -> object:
    """Write a value as a cell: ids and numbers exactly, None as nothing, lists as JSON, all other texts inert."""
    match value:
        case None:
            return ""
        case str() if column in _IDS and _is_id(value):
            return value
        case str():
            return inert(value)
        case list() | tuple() | dict():
            return inert(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return value


def inert(text: str) -> str:
    """Disarm a stranger's text, so neither a spreadsheet nor a terminal acts upon the text.

    Percent-encodes control and other unprintable characters, and ``= + - @`` where a formula would begin. No browser
    sends such a URL. A real URL therefore comes out unchanged, and a harmful URL still leads to the same place.
    """
    text = _FORMULA.sub(lambda first: first[1] + _encoded(first[2]), text)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _encoded(char) for char in text)


def _encoded(char: str) -> str:
    # Not quote alone, which leaves a dash as it is.
    return quote(char.encode("utf-8", "surrogatepass"), safe="") if char != "-" else "%2D"
