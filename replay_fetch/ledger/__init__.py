"""The ledger: the plan and each view's state, in SQLite; the only module that speaks to it."""

from replay_fetch.ledger.ledger import Ledger, ToDo
from replay_fetch.ledger.loading import Clash, LoadedList
from replay_fetch.ledger.totals import Totals

__all__ = ["Clash", "Ledger", "LoadedList", "ToDo", "Totals"]
