"""Lists of views, read and written row by row, in memory that does not grow with the list.

Begin with `view_list`: a ViewList opens a `source`, finds the columns in the `header`, decides in `ids` what an id
of the list looks like, and yields `rows`, good and bad, each with a line number. `session_rows` are those of a list
that names sessions or replay `links` and no views, `json_lines` are objects in place of a table. `writing` writes
the tables that a later download reads.
"""

from replay_fetch.view_list.links import SiteCheck, has_link, read_link
from replay_fetch.view_list.rows import BadRow, PlannedRow, RepeatedHeader, Row, SessionRow, seconds_of
from replay_fetch.view_list.session_rows import is_bare
from replay_fetch.view_list.source import STDIN, ListSource, Words, fingerprint
from replay_fetch.view_list.view_list import ViewList
from replay_fetch.view_list.writing import csv_text, table_text

__all__ = [
    "STDIN",
    "BadRow",
    "ListSource",
    "PlannedRow",
    "RepeatedHeader",
    "Row",
    "SessionRow",
    "SiteCheck",
    "ViewList",
    "Words",
    "csv_text",
    "fingerprint",
    "has_link",
    "is_bare",
    "read_link",
    "seconds_of",
    "table_text",
]
