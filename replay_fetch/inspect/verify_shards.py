"""The verification of an archive with shards or without: each shard by its own ledger, then the manifest of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import zip_longest

from replay_fetch.archive.durable import explained, is_file, is_folder
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import ManifestLine
from replay_fetch.archive.read.verify import Finding, Problem
from replay_fetch.archive.shelf import Shelf, readable
from replay_fetch.inspect.merge import merged_layout, records
from replay_fetch.inspect.verification import Depth, Verification
from replay_fetch.inspect.verify import Verifying, extra_files
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.progress.reporters import Reporter


def verify(shelf: Shelf, jobs: int | None, reporter: Reporter | None, depth: Depth = Depth.BYTES) -> Verification:
    """Verify an archive, shard by shard where it has shards; raises as `Verifying` does.

    The manifest of all shards, where it is there, must be what their ledgers say.
    """
    shards = readable(shelf).shards()
    if not shards:
        return Verifying(shelf, jobs, reporter, depth).run()
    found = Verification(shelf, quick=depth is Depth.NAMES)
    for shard in shards:
        if _has_begun(shard):
            _add(found, Verifying(shard, jobs, reporter, depth).run())
        else:  # nothing of its sessions can be there
            found.findings += extra_files(shard, set())
    layouts = [shard.layout for shard in shards if shard.layout is not None]
    if shelf.is_file(shelf.manifest) and all(is_file(layout.ledger) for layout in layouts):
        found.findings += _difference(Layout(layouts[0].root), layouts)
    return found


def _has_begun(shard: Shelf) -> bool:
    return shard.is_file(shard.manifest) or (shard.layout is not None and is_folder(shard.layout.private))


def _add(found: Verification, shard: Verification) -> None:
    found.findings += shard.findings
    found.views += shard.views
    found.sessions += shard.sessions
    found.size += shard.size
    found.seconds += shard.seconds
    found.run_ended &= shard.run_ended


def _difference(merged: Layout, shards: Sequence[Layout]) -> Iterator[Finding]:
    """Find the first line of the merged manifest that does not follow from the shards' ledgers."""
    with ExitStack() as opened, explained(f"reading {merged.manifest}"):
        ledgers = [opened.enter_context(closing(Ledger.open_read_only(layout.ledger))) for layout in shards]
        layout = merged_layout(merged.root, ledgers[0])
        made = (ManifestLine.of(layout, record).encode() for record in records(iter(ledgers)))
        pairs = zip_longest(opened.enter_context(merged.manifest.open("rb")), made)
        different = next((number for number, (there, line) in enumerate(pairs, start=1) if there != line), 0)
    if different:
        detail = f"line {different} is not what the shards' ledgers say; `replay-fetch merge {merged.root}` mends it"
        yield Finding(Problem.DAMAGED, merged.manifest_name, detail)
