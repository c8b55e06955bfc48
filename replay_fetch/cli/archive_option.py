"""The arguments of commands that read an archive: OUT, a folder or an address in a store, and a session of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import wraps
from pathlib import Path

from replay_fetch.archive.shelf import DiskShelf, Shelf
from replay_fetch.cli.output import warn
from replay_fetch.errors import SettingsError
from replay_fetch.progress.units import some


def add_archive(parser: argparse.ArgumentParser, dest: str = "out") -> None:
    """Add the argument OUT, a folder or an address in a store, whose value is a `Shelf`, not read yet."""
    parser.add_argument(dest, metavar="OUT", type=shelf_at, help="archive: a folder, or s3://, gs:// or az://")


def add_session(parser: argparse.ArgumentParser, *, one_view: bool = False) -> None:
    """Add the argument SESSION and the option ``--view``, which is required where a command is about ``one_view``."""
    parser.add_argument("session", metavar="SESSION", help="the session's id, how that begins, or a replay link")
    parser.add_argument("--view", metavar="ID", required=one_view, help="this view alone; its id, or how that begins")


def shelf_at(out: str) -> Shelf:
    """Return the shelf of the archive at a path or an address; nothing is read yet.

    Raises SettingsError for an address of an unknown scheme, for one with more than a place in it, and where the store
    extra is missing or the environment's settings for the store cannot be used.
    """
    if not _is_url(out):
        return DiskShelf(Path(out))
    from replay_fetch.store.location import parse  # noqa: PLC0415 - for addresses alone
    from replay_fetch.store.shelf import StoreShelf  # noqa: PLC0415 - takes 0.1 s

    return StoreShelf(parse(out))


def on_current_shelf(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Decorate a command's ``run`` that reads recordings: of an unfinished run in a store it sees what is whole by now.

    Warns of views that are not: their lines lie in no session file yet.
    """

    @wraps(run)
    def run_on_current_shelf(options: argparse.Namespace) -> int:
        if options.out.layout is not None:
            return run(options)
        from replay_fetch.inspect.current import current  # noqa: PLC0415 - for archives in a store alone

        with current(options.out) as found:
            if found.waiting:
                waiting = some(found.waiting, "view waits for its session", "views wait for their sessions")
                warn(f"{waiting} to be whole: the last run into {options.out.place()} has not ended")
            options.out = found.shelf
            return run(options)

    return run_on_current_shelf


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
    from replay_fetch.store.location import is_url  # noqa: PLC0415 - for addresses alone

    return is_url(text)
