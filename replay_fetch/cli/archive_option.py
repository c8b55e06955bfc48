"""The argument OUT of the commands that read an archive: a folder, or an address in an object store."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from replay_fetch.archive import DiskShelf, Shelf
from replay_fetch.errors import SettingsError


def add_archive(parser: argparse.ArgumentParser, dest: str = "out") -> None:
    """Add the argument OUT, whose value is a `Shelf`."""
    parser.add_argument(dest, metavar="OUT", type=shelf_at, help="archive: a folder, or s3://, gs:// or az://")


def shelf_at(out: str) -> Shelf:
    """Return the shelf of the archive at a path or an address; nothing is read yet.

    Raises SettingsError for an address of an unknown scheme, for one with more than a place in it, and where the store
    extra is missing or the environment's settings for the store cannot be used.
    """
    if not _is_url(out):
        return DiskShelf(Path(out))
    from replay_fetch.store import StoreShelf, parse  # noqa: PLC0415 - takes 0.1 s, for addresses alone

    return StoreShelf(parse(out))


def folder_for(reason: str) -> Callable[[str], Path]:
    """Return the type of an argument that must be a folder of this machine; ``reason`` says why, to the user.

    An address taken for a path would make a folder named ``s3:`` here.
    """

    def folder(text: str) -> Path:
        if _is_url(text):
            raise SettingsError(f"{reason}; name a folder of this machine, where `aws s3 sync` and others copy one")
        return Path(text)

    return folder


def require_folder(shelf: Shelf, reason: str) -> Path:
    """Return the path of an archive that must be a folder of this machine; raises SettingsError with the reason."""
    if shelf.layout is None:
        raise SettingsError(f"{reason}; copy {shelf.place()} to a disk, with `aws s3 sync` or another tool")
    return shelf.layout.root


def _is_url(text: str) -> bool:
    if "://" not in text:
        return False
    from replay_fetch.store import is_url  # noqa: PLC0415 - as above

    return is_url(text)
