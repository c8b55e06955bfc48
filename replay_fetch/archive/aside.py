"""Setting aside: files that a rebuilt ledger does not know are moved, never deleted, and survive a kill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, json

from replay_fetch.archive.durable import explained, make_folder, replace, sync_folder, write_file
from replay_fetch.archive.layout import Layout
from replay_fetch.blocks import whole_file

_ASIDE = "damaged-"  # and a number: a folder of what was set aside


class Aside(Struct, frozen=True):
    """Names a folder for files that are set aside, and the files, or whole folders, that go there."""

    folder: str
    """Its name in the private folder."""
    names: Sequence[str] = ()
    """Files and folders, relative to the archive."""

    def path(self, layout: Layout) -> Path:
        """Return the folder's path, ``damaged-1`` and so on; the folder is made when the first file goes there."""
        return layout.private / self.folder


class Attempt(Struct, frozen=True):
    """Describes a rebuild that was begun; after a kill the next goes by it, not by files of the killed run.

    Kept as JSON in a file of its own, since there is no ledger to keep it.
    """

    aside: str
    """The name of the folder for what is set aside."""
    before: int
    """The largest row that any part had."""


def attempt(layout: Layout) -> Attempt:
    """Return the attempt that is going on, with a killed rebuild's parts removed, or a new one, noted down."""
    note = layout.temporary / "rebuild"
    with explained(f"writing {note}"):
        try:
            begun = json.decode(note.read_bytes(), type=Attempt)
        except (FileNotFoundError, ValueError):
            begun = Attempt(_free_folder(layout.private), max(map(row_of, layout.parts.iterdir()), default=0))
            # Noted before anything is moved: after a kill a second folder would take what the first attempt made.
            write_file(note, [json.encode(begun)])
            sync_folder(layout.temporary)
        # A killed attempt gave what it saved rows above all that were there.
        for part in layout.parts.iterdir():
            if row_of(part) > begun.before:
                part.unlink()
    return begun


def row_of(part: Path) -> int:
    """Return the ledger's row that a part is named by, as in ``17-0.ndjson``; 0 where the name has none."""
    row = part.stem.partition("-")[0]
    return int(row) if row.isdigit() else 0


def not_of_a_disk(layout: Layout) -> Iterator[str]:
    """Name the files in the private folder that no run onto a disk makes, relative to the archive.

    A copy out of a store brings along the lease, and log, lists and checkpoints with the ids of any session: a new
    ledger takes their place.
    """
    ours = {layout.lock.name, layout.parts.name, layout.temporary.name}
    for path in sorted(layout.private.iterdir()):
        if path.name not in ours and not path.name.startswith((layout.ledger.name, _ASIDE)):
            yield path.relative_to(layout.root).as_posix()


def put_in_place(layout: Layout, new: Path, aside: Aside) -> None:
    """Put a new ledger in the old ledger's place.

    The old ledger goes first, then its log, which would be read into any other ledger. Without a ledger an archive
    is refused by every command but a rebuild, so nothing is done to it in between.
    """
    folder = aside.path(layout)
    if layout.ledger.exists():
        make_folder(folder)
        if layout.manifest.exists():  # it is about to be written anew
            write_file(folder / layout.manifest.name, whole_file(layout.manifest))
    for name in (layout.ledger.name, f"{layout.ledger.name}-wal", f"{layout.ledger.name}-shm"):
        with suppress(FileNotFoundError):
            if (layout.private / name).exists():
                make_folder(folder)
            replace(layout.private / name, folder / name)
    if folder.exists():
        sync_folder(folder)
    # Between the two syncs there is no ledger at all. An old log beside a new ledger would be worse.
    sync_folder(layout.private)
    replace(new, layout.ledger)
    sync_folder(layout.private)


def set_aside(layout: Layout, aside: Aside) -> None:
    """Move the files into the folder; files that are there already stay, since a killed run moved them."""
    folder = aside.path(layout)
    with explained(f"writing {folder}"):
        for path in (layout.root / name for name in aside.names):
            if path.exists():
                make_folder(folder)
                # A session's recording and its events have the same name, in folders of their own.
                kind = "events-" if path.parent == layout.events else ""
                replace(path, folder / f"{kind}{path.name}")
        if folder.exists():
            sync_folder(folder)


def _free_folder(private: Path) -> str:
    """Return the first name of the form ``damaged-1`` that is free."""
    number = 1
    while (private / f"{_ASIDE}{number}").exists():
        number += 1
    return f"{_ASIDE}{number}"
