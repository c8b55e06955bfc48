"""The rows of a list that names sessions without views: a column of a table, or one id or replay link a line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from replay_fetch.model import View
from replay_fetch.view_list.header import SessionHeader, unwrapped
from replay_fetch.view_list.ids import UUID, IdColumn, deciding, session_column
from replay_fetch.view_list.links import SiteCheck, has_link, read_link
from replay_fetch.view_list.rows import BadRow, PlannedRow, RepeatedHeader, Row, SessionRow, is_blank, not_csv

_WITHOUT = "without --view-only, the views of its session are searched for"


@dataclass(frozen=True, slots=True)
class SessionReader:
    """Reads entries of one list, each a session id or a replay link.

    With ``view_only`` a link stands for the view in it, and every other entry is a bad row.
    """

    name: str
    sites: SiteCheck
    view_only: bool = False

    def csv_rows(self, lines: Iterator[str], header: SessionHeader) -> Iterator[Row]:
        """Read the rows behind a header; ``line`` is the physical line on which a row starts.

        Raises InputError where a quote is never closed, and for a link to another site than the list's.
        """
        head = deciding(lines)
        column = session_column(head, header)
        reader = csv.reader(chain(head, lines), delimiter=header.delimiter, skipinitialspace=True, strict=True)
        ended = header.lines
        while True:
            try:
                for cells in reader:
                    line, ended = ended + 1, header.lines + reader.line_num
                    if not is_blank(cells, header.delimiter):
                        yield self._row(cells[header.session] if header.session < len(cells) else "", line, column)
            # One such row costs itself alone: the same reader goes on behind it.
            except csv.Error as error:
                line, ended = ended + 1, header.lines + reader.line_num
                yield not_csv(error, line, ended, self.name)
            else:
                return

    def bare_rows(self, lines: Iterator[str]) -> Iterator[Row]:
        """Read a list without a header: a session id or a replay link on each line."""
        head = deciding(lines)
        column = session_column(head, None)
        for line, text in enumerate(chain(head, lines), start=1):
            if text.strip("\ufeff \t\r\n"):
                yield self._row(text.lstrip("\ufeff").rstrip("\r\n\t ,;."), line, column)

    def entry(self, text: str, line: int, column: IdColumn) -> PlannedRow | SessionRow:
        """Read one entry; raises ValueError with a printable reason, InputError for a link to another site."""
        if not has_link(text):
            session_id = column.checked(text)
            if self.view_only:
                raise ValueError(f"a session id alone names no view; {_WITHOUT}")
            return SessionRow(line, session_id)
        link = read_link(text)
        self.sites.check(link.site, line)
        session_id = column.checked(link.session_id)
        if not self.view_only:
            return SessionRow(line, session_id, link.view_id)
        if link.view_id is None:
            raise ValueError(f"the link names no view (seed=…); {_WITHOUT}")
        return PlannedRow(line, View(session_id, link.view_id), None)

    def _row(self, text: str, line: int, column: IdColumn) -> Row:
        try:
            return self.entry(text, line, column)
        except ValueError as reason:
            is_header = bool(column.name) and unwrapped(text).casefold() == column.name.casefold()
            return RepeatedHeader(line) if is_header else BadRow(line, str(reason))


def is_bare(line: str) -> bool:
    """Tell whether the first line of a list holds an id or a replay link where column names should be."""
    text = unwrapped(line.strip(",;.\r\n\t "))
    return UUID.fullmatch(text) is not None or has_link(text)
