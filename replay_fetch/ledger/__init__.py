"""The ledger: the plan and each view's state in SQLite, with the package's only door to that library."""

from replay_fetch.ledger.damage import DamagedLedger
from replay_fetch.ledger.database import check_file
from replay_fetch.ledger.found import FoundViews
from replay_fetch.ledger.ledger import Ledger, ToDo
from replay_fetch.ledger.loading import Clash, LoadedList
from replay_fetch.ledger.stored import ObjectRow, PlaceRow, StoredLedger
from replay_fetch.ledger.totals import Reason, Totals

__all__ = [
    "Clash",
    "DamagedLedger",
    "FoundViews",
    "Ledger",
    "LoadedList",
    "ObjectRow",
    "PlaceRow",
    "Reason",
    "StoredLedger",
    "ToDo",
    "Totals",
    "check_file",
]
