"""The deal of a list to shards: a run takes its own sessions, and holds the whole list against the other shards'."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Self

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.shards import agree
from replay_fetch.archive_json import ArchiveFacts
from replay_fetch.shard import ShardId
from replay_fetch.view_list.rows import PlannedRow


class Deal:
    """Deals the rows of one list to a shard, or all of them to a run without shards; used once."""

    def __init__(self, shard: ShardId | None = None, agree: Callable[[str], None] | None = None) -> None:
        """Prepare to deal to ``shard``; ``agree`` is told the hash of the whole list, and refuses another list."""
        self.shard = shard
        self._agree = agree
        self._digest = hashlib.sha256()
        self._latest, self._latest_mine = "", False

    @classmethod
    def on_disk(cls, layout: Layout) -> Self:
        """Deal to the shard of a layout, whose archive's other shards lie in the same folder."""
        if (shard := layout.shard) is None:
            return cls()
        return cls(
            shard,
            lambda digest: agree(layout, ArchiveFacts(compression=layout.compression, shards=shard.count, list=digest)),
        )

    @property
    def mine(self) -> Callable[[str], bool] | None:
        """Return the question whether a session is the shard's; None where all sessions are."""
        return self._owns if self.shard else None

    def watched(self, rows: Iterator[PlannedRow]) -> Iterator[PlannedRow]:
        """Pass all usable rows on; behind the last one the list is compared with the other shards'.

        Raises InputError where theirs was another list, SettingsError where they were of another number.
        """
        return rows if self._agree is None else self._agreed(rows, self._agree)

    def _agreed(self, rows: Iterator[PlannedRow], agree: Callable[[str], None]) -> Iterator[PlannedRow]:
        for row in rows:
            # The rows, not the file: a copy with other line ends, or packed, is the same list.
            self._digest.update(f"{row.view.session_id},{row.view.view_id},{row.segments_count}\n".encode())
            yield row
        # Before the ledger takes the rows in: a list that is refused leaves no trace.
        agree(self._digest.hexdigest())

    def _owns(self, session_id: str) -> bool:
        # Most lists have a session's views side by side.
        if session_id != self._latest:
            self._latest = session_id
            self._latest_mine = self.shard is None or self.shard.owns(session_id)
        return self._latest_mine
