"""The shards of an archive on a disk: the facts about which all agree, who they are, and the manifest of all.

::

    .replay-fetch/archive.json     created once: number of shards, compression, hash of the list
    .replay-fetch/03-of-08/        a shard's ledger, lock and parts
    manifest/03-of-08.ndjson  report/03-of-08.json
    manifest.ndjson  report.json   of all shards; a shard that goes on removes both, and they are made again
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from replay_fetch.archive.durable import explained, is_file, sync_folder, write_file
from replay_fetch.archive.layout import Layout
from replay_fetch.archive_json import NAME, ArchiveFacts, decoded, require_same, require_same_shards
from replay_fetch.blocks import small_file
from replay_fetch.errors import ArchiveError
from replay_fetch.settings import Compression
from replay_fetch.shard import ShardId, named

# The facts are some hundred bytes. No more is read of a stranger's file.
_LONGEST = 2**16


def read_facts(root: Path) -> ArchiveFacts | None:
    """Read the facts of an archive; None where no shard has read its list to the end yet, or there are no shards."""
    path = Layout(root).home / NAME
    with explained(f"reading {path}"):
        try:
            facts = decoded(small_file(path, _LONGEST))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError:  # too large
            facts = None
    # Without shards a disk has no such file, but a copy out of a store brings it along: it names no list.
    if facts is not None and not facts.shards and not facts.list:
        return None
    if facts is None or not facts.shards:
        raise ArchiveError(f"{path} is damaged, or of another version of replay-fetch")
    return facts


def agree(layout: Layout, facts: ArchiveFacts) -> None:
    """Write the facts, or compare ours with the facts of an earlier shard.

    Raises InputError for another list, SettingsError for another number of shards or another compression.
    """
    with explained(f"writing {layout.home / NAME}"):
        _create(layout, facts.encode())
    there = read_facts(layout.root)
    if there is not None:
        require_same(layout.root, facts, there)


def _create(layout: Layout, body: bytes) -> None:
    """Create the file of facts, whole or not at all, unless it is there: a link never replaces a file."""
    temporary, final = layout.temporary / NAME, layout.home / NAME
    write_file(temporary, [body])
    try:
        with suppress(FileExistsError):
            os.link(temporary, final)
    except OSError:  # a file system without links; two shards that begin at once bring the same facts nearly always
        if not is_file(final):
            temporary.replace(final)
    temporary.unlink(missing_ok=True)
    sync_folder(layout.home)


def shard_count(root: Path) -> int:
    """Return the number of shards of an archive by its files, or 0 for an archive without shards."""
    facts = read_facts(root)
    if facts is not None:
        return facts.shards
    # Before the first list is read, and in a copy without our private files, names alone tell.
    layout = Layout(root)
    for folder in (layout.home, root / "manifest"):
        with explained(f"reading {folder}"):
            try:
                names = [named(path.name.partition(".")[0]) for path in folder.iterdir()]
            except (FileNotFoundError, NotADirectoryError):
                continue
        for shard in filter(None, names):
            return shard.count
    return 0


def check_shard(root: Path, shard: ShardId | None, compress: Compression | None) -> None:
    """Raise SettingsError where a run would mix with other shards than the archive's, or with a run of none."""
    count, asked = shard_count(root), shard.count if shard else 0
    plain = Layout(root)
    with explained(f"reading {root}"):
        begun = bool(count) or is_file(plain.ledger) or is_file(plain.manifest)
    if begun:
        require_same_shards(root, asked, count)
    facts = read_facts(root) if shard else None
    if facts is not None and compress is not None:
        require_same(root, replace(facts, compression=compress), facts)


def layouts(root: Path) -> list[Layout]:
    """List the layouts of an archive's shards, whether they have begun or not; empty for an archive without shards.

    The layouts say nothing of the compression; each ledger has it.
    """
    count = shard_count(root)
    return [Layout(root, shard=shard) for shard in ShardId(0, count).siblings()] if count else []


def drop_merged(layout: Layout) -> None:
    """Remove the manifest and the report of all shards, since one of them goes on; without shards, nothing happens.

    The manifest goes first: a report without a manifest is no merged archive.
    """
    if layout.shard is None:
        return
    merged = Layout(layout.root)
    with explained(f"writing {layout.root}"):
        if is_file(merged.manifest) or is_file(merged.report):
            merged.manifest.unlink(missing_ok=True)
            merged.report.unlink(missing_ok=True)
            sync_folder(layout.root)
