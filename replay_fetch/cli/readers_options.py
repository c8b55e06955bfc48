"""The options of commands that read a whole archive: processes of this machine, or the workers of an engine."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from replay_fetch.archive.read.readers import Processes, Readers
from replay_fetch.archive.shelf import DiskShelf, Shelf
from replay_fetch.cli.options import add_engine, check_engine
from replay_fetch.errors import SettingsError


def add_readers(parser: argparse.ArgumentParser, jobs: str) -> None:
    """Add ``--jobs``, with its help, and the options of an engine; `readers` makes readers of them."""
    parser.add_argument("--jobs", metavar="N", type=int, help=jobs)
    add_engine(parser)


def check_readers(options: argparse.Namespace) -> None:
    """Raise SettingsError for fewer processes than one, and for options that exclude each other."""
    check_engine(options)
    if options.jobs is not None and options.jobs < 1:
        raise SettingsError("--jobs must be at least 1")
    if options.jobs is not None and options.scheduler is not None:
        raise SettingsError("--jobs counts processes of this machine; a cluster has as many workers as it has")


@contextmanager
def readers(options: argparse.Namespace) -> Iterator[Readers]:
    """Give the readers that the options name: processes of this machine, or an engine's workers, for a block.

    Raises SettingsError as `replay_fetch.engine.cluster` does.
    """
    if options.engine is None:
        yield Processes(options.jobs)
        return
    from replay_fetch.engine import cluster  # noqa: PLC0415 - for engines alone

    with cluster(options.scheduler, at_most=options.jobs) as workers:
        yield workers


def seen_by_readers(options: argparse.Namespace) -> Shelf:
    """Return the archive's shelf; under an absolute path for an engine, whose workers have a folder of their own."""
    shelf: Shelf = options.out
    if options.engine is not None and isinstance(shelf, DiskShelf):
        return replace(shelf, root=shelf.root.resolve())
    return shelf
