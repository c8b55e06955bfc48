"""Cells of a list: how long csv lets one be, and what programs put around an id."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

# The vendor's explorers put whole JSON documents into cells. csv's own limit, 131,072, drops such rows.
LONGEST_CELL = 2**24

# ="…" keeps a spreadsheet from taking digits for a number, as an apostrophe does; {…} is how Windows writes a GUID.
_WRAPPED = re.compile(r"""=?"(?P<quoted>[^"]*)"|\{(?P<braced>[^{}]*)\}|'(?P<marked>[^']*)'?""")

_limit = Lock()
_readers = 0
_before = 0


@contextmanager
def wide_cells() -> Iterator[None]:
    """Let csv take cells of `LONGEST_CELL` characters while a list is read.

    csv has one limit for the whole process. The last list that is closed gives the program its own
    limit back, unless the program has set another one meanwhile.
    """
    global _readers, _before  # noqa: PLW0603 - csv's limit is as global as these
    with _limit:
        if not _readers:
            _before = csv.field_size_limit()
            csv.field_size_limit(max(_before, LONGEST_CELL))
        _readers += 1
    try:
        yield
    finally:
        with _limit:
            _readers -= 1
            if not _readers and csv.field_size_limit() == LONGEST_CELL:
                csv.field_size_limit(_before)


def unwrapped(text: str) -> str:
    """The text of a cell without white space, byte order marks, ``="…"``, ``{…}`` and a text mark around it."""
    text = text.strip("\ufeff \t\r\n\v\f\xa0")
    while wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[wrapped.lastgroup or 0].strip()
    return text
