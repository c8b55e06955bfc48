"""The views of an archive as readers see them: by the manifest or, while that is behind, by the ledger.

The manifest is written when a run ends. While a run is going on, or after one was killed, the ledger knows more;
it is read as of its last commit, and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from msgspec.structs import replace as with_values

from replay_fetch.archive.durable import is_folder
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import holder
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read import views
from replay_fetch.archive.shelf import Shelf, readable
from replay_fetch.errors import InputError
from replay_fetch.ledger.database import DamagedLedger
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.ledger.totals import Totals
from replay_fetch.model import ViewRecord
from replay_fetch.settings import Compression
from replay_fetch.view_list.header import unwrapped
from replay_fetch.view_list.links import has_link, read_link

# Shards that have not begun and are named.
_NAMED = 20
# What comes along where an id is copied out of a sentence.
_PUNCTUATION = " .,;:"


def entries(shelf: Shelf) -> Iterator[Entry]:
    """Give every view in the archive's order; raises ArchiveError where neither manifest nor ledger tells of any.

    By the ledger, only lines in a session's finished file have a place while a run is going on: other files change.
    An archive in a store is read by its manifest.
    """
    for part in _parts(shelf):
        yield from _entries(part)


def _parts(shelf: Shelf) -> Sequence[Shelf]:
    """Give the shelves that together tell of an archive: of shards that are not merged, each that has begun."""
    if shelf.is_file(shelf.manifest):
        return [shelf]
    begun = [shard for shard in shelf.shards() if shard.is_file(shard.manifest) or _behind(shard.layout)]
    return begun or [shelf]


def _entries(shelf: Shelf) -> Iterator[Entry]:
    layout = shelf.layout
    if layout is None or not _behind(layout):
        yield from views.entries(shelf)
        return
    with closing(Ledger.open_read_only(layout.ledger)) as ledger:
        compression = Compression(ledger.setting(Setting.COMPRESSION) or Compression.NONE)
        placed = replace(layout, compression=compression)
        # Recorded and perhaps not published yet: the file's name comes behind the record.
        on_their_way = {session for session, _ in ledger.redo_list()}
        changing = holder(layout.lock) is not None
        for record in ledger.views():
            published = record.planned.session not in on_their_way
            yield _whole(placed, record) if published and record.whole else _partial(placed, record, changing=changing)


def session_entries(shelf: Shelf, wanted: str) -> list[Entry]:
    """Return the views of the session whose id is, or begins with, ``wanted``, or to which it is a replay link.

    A link stands for its whole session, as in a list. Raises InputError for none or many, and for a link that cannot
    be used.
    """
    if has_link(wanted):
        try:
            wanted = read_link(wanted).session_id
        except ValueError as reason:
            raise InputError(f"SESSION: {reason}") from None
    return views.session_entries(shelf, unwrapped(wanted.strip(_PUNCTUATION)), entries(readable(shelf)))


def standing_of(shelf: Shelf) -> str:
    """Say why the figures are not final: a run is going on, or was killed; empty where a run's end wrote them."""
    running = shelf.held_by()
    if running:
        return f"a run is going on ({running}): this is what it has brought home so far"
    if shelf.run_ended() is False or any(_behind(part.layout) for part in _parts(shelf)):
        return "the last run did not come to its end: this is what it brought home; run the same download again"
    shards = shelf.shards()
    lacking = [f"{index}/{len(shards)}" for index, shard in enumerate(shards) if not has_begun(shard)]
    if lacking:
        return f"these shards have not begun, and nothing of their sessions is here: {', '.join(lacking[:_NAMED])}"
    return ""


def has_begun(shard: Shelf) -> bool:
    """Tell whether a run of a shard has begun, by its manifest, its log or its private folder."""
    if shard.is_file(shard.manifest) or shard.run_ended() is not None:
        return True
    return shard.layout is not None and is_folder(shard.layout.private)


def totals_so_far(shelf: Shelf) -> Totals | None:
    """Sum up the newest list by the ledger; None where the manifest is not behind, or no list was read yet."""
    layout = shelf.layout
    if layout is None or not _behind(layout):
        return None
    with closing(Ledger.open_read_only(layout.ledger)) as ledger:
        number = ledger.newest_list()
        return None if number is None else ledger.totals(number)


def _behind(layout: Layout | None) -> bool:
    """Tell whether a ledger on this machine knows more than the manifest; a damaged one is left to ``verify``."""
    if layout is None:
        return False
    try:
        with closing(Ledger.open_read_only(layout.ledger)) as ledger:
            if ledger.blank:
                return False
            return ledger.setting(Setting.STATE) == State.RUNNING or not layout.manifest.is_file()
    except DamagedLedger:
        if layout.manifest.is_file():
            return False
        raise


def _whole(layout: Layout, record: ViewRecord) -> Entry:
    name = layout.session_name(record.planned.view.session_id)
    return Entry(with_values(record, partial=None), name, layout.compression)


def _partial(layout: Layout, record: ViewRecord, *, changing: bool) -> Entry:
    """Return the entry of a view in a partial file, where that is as the ledger knows it, else one without a place."""
    name = layout.session_name(record.planned.view.session_id, partial=True)
    place, file = record.partial, layout.root / name
    if place and not changing and file.is_file() and file.stat().st_size >= place.offset + place.length:
        return Entry(with_values(record, whole=None), name, layout.compression)
    return Entry(with_values(record, whole=None, partial=None))
