"""The state of each shard of an archive: ended, running, stopped or not begun."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field

from replay_fetch.archive.shelf import Shelf
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State


@dataclass(slots=True)
class ShardsState:
    """The shards of an archive by their state, each by its index, and those with views that are not finished."""

    count: int
    merged: bool
    """The manifest and the report of all shards are there."""
    ended: list[int] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)
    """Killed, or stopped before their end."""
    not_begun: list[int] = field(default_factory=list)
    unfinished: set[int] = field(default_factory=set)

    @property
    def not_ended(self) -> list[int]:
        """The shards whose views may not all be asked for, in order."""
        return sorted({*self.running, *self.stopped, *self.not_begun})

    @property
    def partial(self) -> bool:
        """The archive was merged without the end of every shard: one that goes on removes what was merged."""
        return self.merged and len(self.ended) < self.count

    @property
    def to_run_again(self) -> list[int]:
        """The shards that the same download has to be run for again, in order."""
        return sorted({*self.unfinished, *self.stopped, *self.not_begun})

    def fields(self) -> Mapping[str, object]:
        """Return the state of all shards for programs, by the names of ``status --json``."""
        return {
            "count": self.count,
            "merged": self.merged,
            "partial": self.partial,
            "ended": self.ended,
            "running": self.running,
            "stopped": self.stopped,
            "not_begun": self.not_begun,
            "unfinished": sorted(self.unfinished),
        }


def shards_state(shelf: Shelf) -> ShardsState | None:
    """Look at the shards of an archive; None for an archive without shards."""
    shards = shelf.shards()
    if not shards:
        return None
    state = ShardsState(len(shards), merged=shelf.is_file(shelf.manifest))
    for index, shard in enumerate(shards):
        _of_shard(state, shard).append(index)
    return state


def _of_shard(state: ShardsState, shard: Shelf) -> list[int]:
    if shard.held_by():
        return state.running
    ended, begun = shard.run_ended(), shard.is_file(shard.manifest)
    if shard.layout is not None:
        with closing(Ledger.open_read_only(shard.layout.ledger)) as ledger:
            begun = ledger.newest_list() is not None
            ended = begun and ledger.setting(Setting.STATE) == State.CLEAN and not ledger.totals().unasked
    if ended:
        return state.ended
    return state.stopped if begun or (ended is False and shard.layout is None) else state.not_begun
