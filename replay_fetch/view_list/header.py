"""The header of a list: the delimiter, and the columns that hold ids, counts of segments and dates."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from replay_fetch.errors import InputError
from replay_fetch.printable import printable
from replay_fetch.settings import PlanSettings
from replay_fetch.view_list.links import has_link, visible
from replay_fetch.view_list.source import LONGEST_CELL

# Programs write commas, spreadsheets of half of Europe semicolons, databases tabs or, as psql and Markdown do, pipes.
_DELIMITERS = ",;\t|"
# First line of a CSV that a spreadsheet wrote for its own kind. Python's reader takes no space and no quote there.
_SEPARATOR_HINT = re.compile(r"sep=([^ \"\w])")

# Names with case, white space, "@", dots, underscores and dashes taken out.
SESSION = ("sessionid",)
VIEW = ("viewid",)
_SEGMENTS = ("segmentscount", "ddreplaystatssegmentscount")
_DATE = ("date",)
_IGNORED = re.compile(r"[\s@._-]+")

# Long, hexadecimal, no word: an id where a column's name should be.
_LOOKS_LIKE_ID = re.compile(r"(?=.*[0-9])[0-9A-Fa-f-]{16,}")

# ="…" keeps a spreadsheet from taking digits for a number, as an apostrophe does; {…} is how Windows writes a GUID.
# Word processors set quotes of their own, and chats write code between backticks.
_WRAPPED = re.compile(
    r"""=?"(?P<quoted>[^"]*)"|\{(?P<braced>[^{}]*)\}|'(?P<marked>[^']*)'?"""
    r"""|[`\u2018\u201a\u201c\u201d\u201e\u00ab](?P<set>[^`\u2018-\u201e\u00ab\u00bb]*)[`\u2018\u2019\u201c\u201d\u00bb]"""
)

# A header that quotes line breaks may take several lines, not the whole file.
_MOST_LINES = 20
_MOST_NAMES_SHOWN = 20
# As many as a spreadsheet has. A line of delimiters alone names millions, and each would be compared several times.
_MOST_COLUMNS = 2**14


class Header(NamedTuple):
    """The columns of the ids, the count of segments and the date; ``lines`` lines lie before the first row."""

    delimiter: str
    names: tuple[str, ...]
    session: int
    view: int
    segments_count: int | None
    lines: int
    settings: PlanSettings
    """Which columns hold the ids, where aliases do not tell."""
    date: int | None = None

    def namesakes(self, at: int) -> list[int]:
        """Other columns with the name of the column ``at``."""
        keys = [plain_name(name) for name in self.names]
        return [other for other, key in enumerate(keys) if key == keys[at] and other != at]

    def repeated_in(self, cells: Sequence[str]) -> bool:
        """True of a row that is a header once more, as in lists that were put together.

        Raises ValueError where the columns stand in another order: the rows behind would be misread.
        """
        names = [unwrapped(cell) for cell in cells]
        # Every bad row comes here, and hardly one is a header: most are told by the first look.
        session = _column(names, self.settings.session_column, SESSION)
        view = None if session is None else _column(names, self.settings.view_column, VIEW)
        if session is None or view is None or session == view:
            return False
        count = _column(names, "", _SEGMENTS)
        # The same order is a list put together by a shell; another order would put views in the sessions' place.
        if (session, view) != (self.session, self.view) or count not in (None, self.segments_count):
            raise ValueError("another header, with its columns in another order; make two lists of the file")
        return True


class SessionHeader(NamedTuple):
    """The column of a list that names sessions without views: ids or replay links; else as `Header`."""

    delimiter: str
    names: tuple[str, ...]
    session: int
    lines: int


def read_header(
    lines: Iterator[str], name: str, settings: PlanSettings
) -> tuple[Header | SessionHeader, Iterator[str]]:
    """Read the header, and return the header and the lines behind.

    The delimiter is the first of ``, ; tab |`` by which the columns of both ids are found, else the first by which a
    column of sessions is. Raises InputError where the list is empty or no column can be told to hold the ids.
    """
    before, head = _head(lines)
    delimiters = _DELIMITERS
    if head and (hint := _SEPARATOR_HINT.fullmatch(head[0].strip("\r\n"))):
        delimiters = hint[1]
        before, head = before + 1, head[1:]
    if not head:
        raise InputError(
            f"{name} is empty: it needs a header line, such as session_id,view_id, and a row for each view"
        )
    seen: list[str] = []
    for delimiter in delimiters:
        names, taken = _names(head, delimiter)
        session, view = _ids(names, settings)
        if session is not None and view is not None and session != view and not settings.whole_sessions:
            count, date = _column(names, "", _SEGMENTS), _column(names, "", _DATE)
            header = Header(delimiter, tuple(names), session, view, count, before + taken, settings, date)
            return header, itertools.chain(head[taken:], lines)
        seen = max(seen, names, key=len)
    sessions = _session_header(head, delimiters, before, settings)
    if sessions is not None:
        return sessions, itertools.chain(head[sessions.lines - before :], lines)
    raise InputError(_complaint(seen, name, before + 1, settings))


def _session_header(head: Sequence[str], delimiters: str, before: int, settings: PlanSettings) -> SessionHeader | None:
    """Find the column of sessions in a list without views: by its name, else by the replay links in its first rows."""
    # A column that the user names is not replaced by a guess.
    if settings.view_column and not settings.whole_sessions:
        return None
    for delimiter in delimiters:
        names, taken = _names(head, delimiter)
        at, view = _ids(names, settings)
        # One column for both ids is a mistake, which the complaint names.
        if at is not None and at == view and not settings.whole_sessions:
            return None
        if at is None and not settings.session_column:
            at = _link_column(head[taken:], delimiter)
        if at is not None and at < len(names):
            return SessionHeader(delimiter, tuple(names), at, before + taken)
    return None


def _link_column(rows: Sequence[str], delimiter: str) -> int | None:
    """The first column with a replay link in one of the rows; None where no cell holds a link."""
    try:
        for cells in csv.reader(rows, delimiter=delimiter, skipinitialspace=True, strict=True):
            for at, cell in enumerate(cells):
                if has_link(cell):
                    return at
    except csv.Error:  # the last of the few rows is cut inside a quoted cell
        return None
    return None


def _head(lines: Iterator[str]) -> tuple[int, list[str]]:
    """Count the blank lines at the start, and take the few lines behind: enough for any header."""
    blank = 0
    for line in lines:
        if line.strip("\ufeff \r\n"):
            return blank, [line.lstrip("\ufeff"), *_few(lines)]
        blank += 1
    return blank, []


def _few(lines: Iterator[str]) -> Iterator[str]:
    """The lines over which a header may go on, unless the lines are so long that no header is there."""
    room = LONGEST_CELL
    for line in itertools.islice(lines, _MOST_LINES - 1):
        yield line
        room -= len(line)
        if room < 0:
            return


def _names(head: Sequence[str], delimiter: str) -> tuple[list[str], int]:
    """Split the header by this delimiter into names; return the names and the number of lines taken."""
    reader = csv.reader(head, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        return [unwrapped(cell) for cell in next(reader)[:_MOST_COLUMNS]], reader.line_num
    except (csv.Error, StopIteration):
        return [head[0].strip()], 1


def _ids(names: Sequence[str], settings: PlanSettings) -> tuple[int | None, int | None]:
    return _column(names, settings.session_column, SESSION), _column(names, settings.view_column, VIEW)


def _column(names: Sequence[str], wanted: str, aliases: Sequence[str]) -> int | None:
    """The first column called ``wanted``, or by an alias where no name is wanted; None where no column is."""
    if wanted:
        key = wanted.strip().casefold()
        return next((at for at, name in enumerate(names) if name.casefold() == key), None)
    return next((at for at, name in enumerate(names) if plain_name(name) in aliases), None)


def _complaint(names: Sequence[str], name: str, line: int, settings: PlanSettings) -> str:
    if sum(bool(_LOOKS_LIKE_ID.fullmatch(cell)) for cell in names) > 1:
        return (
            f"{name}, line {line} holds ids, not column names: put a header line above it, such as session_id,view_id"
        )
    if kind := _no_table(names):
        return f"{name} {kind}"
    if any(map(_LOOKS_LIKE_ID.search, names)):
        return f"{name}, line {line} holds an id with other text around it, and no column names: write one id a line"
    session, view = _ids(names, settings)
    if session is not None and session == view:
        return f"{name}: --session-column and --view-column both mean {printable(names[view], 60)!r}"
    lacking = [
        f"{what} ids ({flag})"
        for what, flag, at in (("session", "--session-column", session), ("view", "--view-column", view))
        if at is None
    ]
    shown = ", ".join(f"'{printable(cell, 60)}'" for cell in names[:_MOST_NAMES_SHOWN])
    more = f" and {len(names) - _MOST_NAMES_SHOWN} more" if len(names) > _MOST_NAMES_SHOWN else ""
    columns = f"{name} has no column for {' nor for '.join(lacking)}; its columns are {shown}{more}"
    return f"{columns}; a column of replay links, or of session ids alone, would do too"


def _no_table(names: Sequence[str]) -> str:
    """Say what a file is that is no table, by its first line, and what to do about it; empty for a table."""
    first = ",".join(names)
    if first == "[" or first.startswith("[{"):
        return "is one JSON array; give each of its objects a line, for example with: jq -c '.[]' FILE"
    if "\0" in first and not (first[::2].strip("\0") and first[1::2].strip("\0")):
        return "is UTF-16 without a mark that says so; save it as UTF-8"
    if "\0" in first:
        return "is no text: it holds zero bytes; give a list of views as CSV or as JSON lines"
    return ""


def plain_name(name: str) -> str:
    """Take out of a column's name the differences that people and programs make."""
    return _IGNORED.sub("", name).casefold()


def unwrapped(text: str) -> str:
    """The text of a cell without white space, invisible marks, ``="…"``, ``{…}``, quotes and a text mark around."""
    text = visible(text).strip(" \t\r\n\v\f\xa0")
    while wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[wrapped.lastgroup or 0].strip()
    return text
