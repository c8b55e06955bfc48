"""The verification of an archive with shards or without: each shard by itself, then the manifest of all."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from replay_fetch.archive.durable import explained
from replay_fetch.archive.manifest import session_of
from replay_fetch.archive.read.readers import Readers
from replay_fetch.archive.read.verify import Finding, Problem
from replay_fetch.archive.shelf import Shelf, readable
from replay_fetch.blocks import lines_of
from replay_fetch.inspect.entries import has_begun
from replay_fetch.inspect.verification import Depth, Verification
from replay_fetch.inspect.verify import Verifying, extra_files
from replay_fetch.printable import as_argument
from replay_fetch.progress.reporters import Reporter
from replay_fetch.shard import index_of


def verify(shelf: Shelf, readers: Readers, reporter: Reporter | None, depth: Depth = Depth.BYTES) -> Verification:
    """Verify an archive, shard by shard where it has shards; raises as `Verifying` does.

    The manifest of all shards, where it is there, must have the lines of theirs, session by session in their order.
    """
    shards = readable(shelf).shards()
    if not shards:
        return Verifying(shelf, readers, reporter, depth).run()
    found = Verification(shelf, quick=depth is Depth.NAMES)
    killed = set()
    for index, shard in enumerate(shards):
        if has_begun(shard):
            of_shard = Verifying(shard, readers, reporter, depth).run()
            killed |= set() if of_shard.run_ended else {index}
            _add(found, of_shard)
        else:  # nothing of its sessions can be there
            found.findings += extra_files(shard, set())
            found.not_begun.append(f"{index}/{len(shards)}")
    if shelf.is_file(shelf.manifest):
        found.findings += _difference(shelf, shards, killed)
    return found


def _add(found: Verification, shard: Verification) -> None:
    found.findings += shard.findings
    found.views += shard.views
    found.unfinished += shard.unfinished
    found.sessions += shard.sessions
    found.size += shard.size
    found.seconds += shard.seconds
    found.run_ended &= shard.run_ended


def _difference(merged: Shelf, shards: Sequence[Shelf], killed: Container[int]) -> Iterator[Finding]:
    """Find the first line of the merged manifest that does not follow from the shards' manifests.

    A partial merge has taken the lines of ``killed`` shards from their ledgers, since their manifests are behind.
    """
    begun = [index for index, shard in enumerate(shards) if index not in killed and shard.is_file(shard.manifest)]
    number = 0
    with explained(f"reading {merged.place(merged.manifest)}"):
        try:
            number = _first_other_line(merged, shards, begun, killed)
        except ValueError:  # a last line breaks off
            number = number or 1
    if number:
        detail = (
            f"line {number} is not what the shards' manifests say; "
            f"`replay-fetch merge {as_argument(merged.place())}` mends it"
        )
        yield Finding(Problem.DAMAGED, merged.manifest, detail)


def _first_other_line(merged: Shelf, shards: Sequence[Shelf], manifests: Sequence[int], killed: Container[int]) -> int:
    """Return the number of the first line that is none of its session's shard, or comes too early; else 0."""
    lines = {index: lines_of(shards[index].blocks(shards[index].manifest)) for index in manifests}
    number = 0
    for number, line in enumerate(lines_of(merged.blocks(merged.manifest)), start=1):
        index = index_of(session_of(line), len(shards))
        if index not in killed and (index not in lines or next(lines[index], None) != line):
            return number
    return number + 1 if any(next(rest, None) is not None for rest in lines.values()) else 0
