"""The library's tasks: parts of a download, a verification or an export that any engine can carry out.

A task is a plain value: it can be pickled, holds neither keys nor connections, and may be repeated, also where its
worker died. Its ``run`` blocks, and finds keys and site in the environment of the process it runs in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from replay_fetch.archive.compress import require
from replay_fetch.archive.manifest import BadLine, Entry
from replay_fetch.archive.read.verify import Finding, Problem, check_session
from replay_fetch.archive.read.views import by_session
from replay_fetch.archive.report import Report
from replay_fetch.archive.shards import check_shard
from replay_fetch.archive.shelf import DiskShelf, Shelf
from replay_fetch.errors import ArchiveError, SettingsError
from replay_fetch.inspect.merge import merge as merge_shards
from replay_fetch.inspect.ranges import SessionRange, cut
from replay_fetch.inspect.tables import Exported, rows_of, small_batches, write_tables
from replay_fetch.pipeline.job import is_stored
from replay_fetch.pipeline.place import place
from replay_fetch.pipeline.stopping import Stop
from replay_fetch.settings import Settings
from replay_fetch.shard import ShardId, checked


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard of a download: the sessions of one list that one task brings home."""

    views: str
    """The path or address of the list, the same for all shards; it must lead there from every worker."""
    out: str
    """The archive's folder, on a disk that all workers share, or its address in an object store."""
    id: ShardId
    settings: Settings | None = None
    """A site that they do not name is that of the worker's environment; keys are never part of settings."""

    def run(self, stop: Stop | None = None) -> Report:
        """Download the shard to its end, or until ``stop``; a repeated task goes on where the former was stopped.

        To be called where no event loop runs; ``stop`` is as in `download`. Raises as that does: ArchiveError, for one,
        while the former task's process still lives and holds the shard's lock.
        """
        return anyio.run(self._download, stop)

    async def _download(self, stop: Stop | None) -> Report:
        from replay_fetch.client import download  # noqa: PLC0415 - tasks that only read need no HTTP client

        settings = self.settings or Settings()
        plan = replace(settings.plan, shard=self.id)
        return await download(self.views, self.out, settings=replace(settings, plan=plan), stop=stop)


def shards(
    views: str | os.PathLike[str], out: str | os.PathLike[str], count: int, *, settings: Settings | None = None
) -> list[Shard]:
    """Split a download into ``count`` tasks; `merge` puts their manifests together when all have ended.

    Nothing is made. Raises SettingsError for a number that is out of range, or not that of an archive that is on a
    disk already; a task into a store finds that out when it runs.
    """
    try:
        first = checked(0, count)
    except ValueError as reason:
        raise SettingsError(str(reason)) from None
    where = place(out)
    if isinstance(where, Path):
        check_shard(where, first, settings.archive.compress if settings else None)
        where = _absolute(where)  # a worker may have another folder to work in
    listed = str(views) if is_stored(str(views)) else str(_absolute(Path(views)))
    return [Shard(listed, str(where), each, settings) for each in first.siblings()]


def merge(out: str | os.PathLike[str], *, partial: bool = False) -> Report:
    """Write manifest and report of all shards, as ``replay-fetch merge`` does; returns the report.

    Raises ArchiveError where a shard has not ended, unless ``partial`` is set.
    """
    shelf = _shelf(out)
    if shelf.layout is not None:
        return merge_shards(shelf.layout.root, partial=partial).report
    from replay_fetch.inspect.merge_stored import merge_stored  # noqa: PLC0415 - for archives in a store alone

    return merge_stored(shelf, partial=partial).report


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of a verify task: what is wrong, and how much was read; bytes are as stored."""

    findings: Sequence[Finding] = ()
    sessions: int = 0
    views: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class VerifyTask:
    """A range of sessions whose files are read again and held against the manifest."""

    range: SessionRange

    def run(self) -> Verified:
        """Check every session of the range.

        Raises ArchiveError where a file may not be read, SettingsError where a library for its compression is
        missing.
        """
        findings: list[Finding] = []
        sessions = views = size = 0
        for entries in _sessions(self.range, findings):
            for compression in {entry.compression for entry in entries}:
                require(compression)
            findings += check_session(self.range.shelf, entries).findings
            sessions, views = sessions + 1, views + len(entries)
            size += sum(entry.span.length for entry in entries if entry.span)
        return Verified(findings, sessions, views, size)


def verify_tasks(out: str | os.PathLike[str], count: int) -> list[VerifyTask]:
    """Split the reading of an archive into about ``count`` tasks, to be carried out in any order.

    Together they read every session once. The ledgers, and files that no view lies in, are for
    ``replay-fetch verify`` alone. Raises ArchiveError where there is no manifest yet.
    """
    return [VerifyTask(each) for each in cut(_shelf(out), count)]


@dataclass(frozen=True, slots=True)
class ExportTask:
    """A range of sessions whose rows become tables of their own, beside those of the other tasks."""

    range: SessionRange
    folder: str
    number: int
    """Of the task, from 0: the tables are ``views-00000.parquet`` and so on."""

    def run(self) -> list[Exported]:
        """Write the range's tables, each whole or not at all; a repeated task writes the same ones again.

        Raises ArchiveError where a line of the manifest or a file is damaged, SettingsError where pyarrow is
        missing.
        """
        sessions = (views for _, views in by_session(self._entries()))
        made = (rows_of(self.range.shelf, batch) for batch in small_batches(sessions))
        return write_tables(Path(self.folder), made, f"-{self.number:05}")

    def _entries(self) -> Iterator[Entry]:
        for entry in self.range.entries():
            if isinstance(entry, BadLine):
                manifest = self.range.shelf.place(self.range.shelf.manifest)
                raise ArchiveError(f"{manifest}: {entry.reason}; run `replay-fetch verify`")
            yield entry


def export_tasks(out: str | os.PathLike[str], folder: str | os.PathLike[str], count: int) -> list[ExportTask]:
    """Split an export to Parquet into about ``count`` tasks; DuckDB reads ``views-*.parquet`` as one table.

    Raises ArchiveError where there is no manifest yet.
    """
    ranges = cut(_shelf(out), count)
    return [ExportTask(each, str(_absolute(folder)), number) for number, each in enumerate(ranges)]


def _shelf(out: str | os.PathLike[str]) -> Shelf:
    """Return the shelf of an archive, under a path that leads there from another folder, too."""
    found = place(out)
    if isinstance(found, Path):
        return DiskShelf(_absolute(found))
    from replay_fetch.store.shelf import StoreShelf  # noqa: PLC0415 - takes 0.1 s, for addresses alone

    return StoreShelf(found)


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they are


def _sessions(part: SessionRange, findings: list[Finding]) -> Iterator[list[Entry]]:
    """Give the sessions of a range, each with all its views; bad lines are noted as findings."""

    def good() -> Iterator[Entry]:
        for entry in part.entries():
            if isinstance(entry, BadLine):
                place = f"line {entry.number} behind byte {part.offset}"
                findings.append(Finding(Problem.DAMAGED, part.shelf.manifest, f"{place}: {entry.reason}"))
            else:
                yield entry

    for _, entries in by_session(good()):
        yield entries
