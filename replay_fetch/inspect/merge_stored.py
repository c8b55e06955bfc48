"""The merge of shards in an object store: one manifest and one report out of the shards', without their ledgers.

Each shard's manifest has its sessions in the order of the list, and the list lies beside the log of each shard. So the
list is walked once, and each session's lines are taken from the shard that its hash names, as they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from replay_fetch.archive.durable import explained
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import session_of
from replay_fetch.archive.report import last_report, replace_report
from replay_fetch.archive.shelf import Shelf, readable
from replay_fetch.blocks import lines_of
from replay_fetch.errors import ArchiveError, SettingsError
from replay_fetch.inspect.merge import Merged, require_ended
from replay_fetch.inspect.merged_report import NO_RUN, Part, merged_report, totals_of
from replay_fetch.ledger.totals import Reason
from replay_fetch.pipeline.merged import remove_merged, write_merged
from replay_fetch.shard import index_of
from replay_fetch.store.shelf import StoreShelf


def merge_stored(shelf: Shelf, *, partial: bool = False) -> Merged:
    """Write manifest and report of all shards of an archive in a store; raises as `merge` does.

    Needs room for both in the folder for temporary files. Raises StoreError where the store refuses.
    """
    readable(shelf)
    shards = shelf.shards() if isinstance(shelf, StoreShelf) else []
    if not isinstance(shelf, StoreShelf) or not shards:
        raise SettingsError(f"{shelf.place()} is an archive without shards: a run writes its manifest when it ends")
    taken = shelf.last_taken() or 0
    if who := shelf.held_by():
        raise ArchiveError(f"another run is writing to this archive: {who}; merge it when that has ended")
    lacking = [why for shard in shards if (why := _lacks(shard))]
    begun = [shard for shard in shards if shard.is_file(shard.manifest)]
    require_ended(shelf.place(), lacking, len(begun), partial=partial)
    report = merged_report([_part(shard) for shard in begun], len(shards), lacking)
    with explained("making a folder for the manifest in $TMPDIR"), TemporaryDirectory(prefix="replay-fetch-") as folder:
        layout = Layout(Path(folder))
        layout.temporary.mkdir(parents=True)
        replace_report(layout, report)
        with layout.manifest.open("wb") as manifest:
            manifest.writelines(_lines(begun, len(shards), layout.temporary / "list.csv.zst"))
        write_merged(shelf.location, layout, taken)
    # No lease covers all shards, so a run that began meanwhile is noticed only now. Its sessions are not in these
    # files, which must not pass for the whole archive.
    if shelf.held_by() or shelf.last_taken() != taken:
        remove_merged(shelf.location)
        raise ArchiveError(f"a run began to write to {shelf.place()} meanwhile; merge it again when that has ended")
    return Merged(len(shards), report, lacking)


def _lacks(shard: StoreShelf) -> str:
    ended = shard.run_ended()
    if ended is None:
        return f"shard {shard.shard} has not begun"
    if not ended:
        return f"shard {shard.shard} was killed"
    run = last_report(shard)
    return "" if run and not run.unasked else f"shard {shard.shard} was stopped before its end"


def _part(shard: Shelf) -> Part:
    run = last_report(shard) or NO_RUN
    reasons = [Reason(each["outcome"], each["reason"], each["views"]) for each in run.reasons]  # type: ignore[arg-type]
    return Part(totals_of(run), reasons, run)


def _lines(begun: Sequence[StoreShelf], count: int, copy: Path) -> Iterator[bytes]:
    """Give the lines of all shards in the order of the list; raises ArchiveError where they are of another list."""
    waiting = {shard.shard.index: _sessions(shard) for shard in begun if shard.shard}
    heads = {index: next(sessions, None) for index, sessions in waiting.items()}
    for session_id in _sessions_of_list(begun[0], copy):
        index = index_of(session_id, count)
        head = heads.get(index)
        # A session that was named before has given its lines, and its shard waits for another.
        if head is not None and head[0] == session_id:
            yield from head[1]
            heads[index] = next(waiting[index], None)
    left = next((head[0] for head in heads.values() if head), None)
    if left is not None:
        raise ArchiveError(f"{begun[0].location} has session {left}, which its list does not name; verify it")


def _sessions(shard: Shelf) -> Iterator[tuple[str, list[bytes]]]:
    for session_id, lines in groupby(lines_of(shard.blocks(shard.manifest)), session_of):
        yield session_id, [line + b"\n" for line in lines]


def _sessions_of_list(shard: StoreShelf, copy: Path) -> Iterable[str]:
    return (session_id for session_id, _ in groupby(row[1].session_id for row in shard.list_rows(copy)))
