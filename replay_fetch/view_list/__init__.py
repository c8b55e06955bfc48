"""The plan: reads and writes lists of views, row by row, in memory that does not grow with them."""

from replay_fetch.view_list.rows import BadRow, PlannedRow, RepeatedHeader, Row
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
    "csv_text",
    "fingerprint",
    "table_text",
]
