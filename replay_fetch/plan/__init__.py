"""The plan: reads the list of views, row by row, in memory that does not grow with it."""

from replay_fetch.plan.fingerprint import fingerprint
from replay_fetch.plan.lines import ListSource
from replay_fetch.plan.rows import BadRow, PlannedRow
from replay_fetch.plan.view_list import ViewList

__all__ = ["BadRow", "ListSource", "PlannedRow", "ViewList", "fingerprint"]
