"""The plan of a run: the sums of the list that was read, and the first of its bad rows by name."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from replay_fetch.ledger.loading import LoadedList
from replay_fetch.shard import ShardId
from replay_fetch.view_list.rows import RepeatedHeader

log = logging.getLogger(__name__)

# Bad rows that are named one by one; a list with the wrong column has millions of them.
_NAMED = 20
_KEPT = 100


@dataclass(slots=True)
class Plan:
    """The sums of a list that was read: ``rows`` = ``views`` + ``duplicates`` + ``bad_rows`` + ``erased``.

    Repeated headers are no rows.
    """

    list_name: str = ""
    list_number: int = 0
    views: int = 0
    duplicates: int = 0
    bad_rows: int = 0
    erased: int = 0
    """Rows of sessions that were erased from the archive: neither planned nor asked for."""
    repeated_headers: int = 0
    reasons: list[str] = field(default_factory=list)
    """Of the first bad rows, each with its line."""
    loaded: bool = True
    """False where the ledger knew the unchanged list already."""
    rehearsed: bool = False
    """Nothing is fetched, and no report written."""
    shard: ShardId | None = None
    """The rows are those of this shard; rows without a usable id belong to the first."""

    @property
    def has_other_rows(self) -> bool:
        """Tell whether bad rows and repeated headers are counted here: by one shard of all, as by a single run."""
        return self.shard is None or not self.shard.index

    @property
    def rows(self) -> int:
        """All rows of the list but blank ones and repeated headers."""
        return self.views + self.duplicates + self.bad_rows + self.erased

    def note(self, loaded: LoadedList) -> None:
        """Take over the ledger's counts; rows whose session id differs only in case from an earlier one are bad."""
        self.list_number, self.views, self.duplicates = loaded.number, loaded.views, loaded.duplicates
        self.erased = loaded.erased
        for clash in loaded.clashes:
            self.reject(clash.line, f"session id {clash.session_id} differs only in case from {clash.earlier}")
        # On a disk that does not tell upper from lower case both sessions would be one file.
        self.bad_rows += loaded.clashing - len(loaded.clashes)

    def reject(self, line: int, reason: str) -> None:
        """Count a bad row; name the first twenty in warnings, with line and reason.

        A list with the wrong column has millions of bad rows: of the first hundred the report keeps line and
        reason.
        """
        self.bad_rows += 1
        if self.bad_rows <= _KEPT:
            self.reasons.append(f"line {line}: {reason}")
        if self.bad_rows <= _NAMED:
            log.warning("line %d: %s; the row is left out", line, reason)
        elif self.bad_rows == _NAMED + 1:
            whose = "a download's" if self.rehearsed else "the"
            log.warning("more bad rows follow; %s report names the first %d", whose, _KEPT)

    def pass_over(self, header: RepeatedHeader) -> None:
        """Count a header in the middle of the list, and name the line of the first."""
        self.repeated_headers += 1
        if self.repeated_headers == 1:
            log.info("line %d holds the header again, as where lists are put together; it is passed over", header.line)
