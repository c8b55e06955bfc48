"""A list of views as CSV text, which ``download`` reads and a spreadsheet may open."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from replay_fetch.api import FoundView

COLUMNS = ("session_id", "view_id", "date", "application_id", "view_url", "segments_count", "sdk")
_ROWS_AT_ONCE = 1000
# What a spreadsheet takes for a formula: at the start of a cell, or of what becomes one where it splits at semicolons.
_FORMULA = re.compile(r"(?<![^;])[=+@-]")


def csv_text(views: Iterable[FoundView]) -> Iterator[str]:
    """The list, header first, in pieces of whole lines."""
    piece = io.StringIO()
    rows = csv.writer(piece, lineterminator="\n")
    rows.writerow(COLUMNS)
    for number, found in enumerate(views, start=1):
        count = "" if found.segments_count is None else found.segments_count
        texts = map(inert, (found.date, found.application_id, found.view_url))
        rows.writerow((*found.view, *texts, count, inert(found.sdk)))
        if number % _ROWS_AT_ONCE == 0:
            yield piece.getvalue()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue()


def inert(text: str) -> str:
    """A stranger's text that neither a spreadsheet nor a terminal acts upon.

    Percent-encodes control and other unprintable characters, and ``= + - @`` where they would begin a
    formula. No browser sends a URL like that, so a real one comes out as it is, and one made to do harm
    still leads where it led. Ids are not touched: the download needs them exactly.
    """
    text = _FORMULA.sub(lambda first: f"%{ord(first[0]):02X}", text)
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else quote(char.encode("utf-8", "surrogatepass"), safe="") for char in text
    )
