"""Lists of views, read and written row by row, in memory that does not grow with the list.

Begin with `view_list`: a ViewList opens a `source`, finds the columns in the `header`, decides in `ids` what an id
of the list looks like, and yields `rows`, good and bad, each with a line number. `writing` writes the tables that a
later download reads.
"""

from replay_fetch.view_list.rows import BadRow, PlannedRow, RepeatedHeader, Row
from replay_fetch.view_list.sessions import checked_sessions, session_ids
from replay_fetch.view_list.source import ListSource, fingerprint
from replay_fetch.view_list.view_list import ViewList
from replay_fetch.view_list.writing import csv_text, table_text

__all__ = [
    "BadRow",
    "ListSource",
    "PlannedRow",
    "RepeatedHeader",
    "Row",
    "ViewList",
    "checked_sessions",
    "csv_text",
    "fingerprint",
    "session_ids",
    "table_text",
]
