"""The commit log: all that the writing side asks of the ledger, which knows nothing of files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from replay_fetch.model import View, ViewRecord


class CommitLog(Protocol):
    """Records a commit's work on the disk, and the steps that are still to be taken behind the record.

    The ledger keeps this protocol. `record` is the instant at which a commit has happened; an archive in an object
    store would keep its log there, with the same promises.
    """

    def record(self, records: Iterable[ViewRecord], redo: Iterable[int] = (), understood: Sequence[View] = ()) -> None:
        """Keep the records durably, all of them or none.

        ``redo`` are the numbers of sessions whose staged files are published next; they take the place of those of
        the record before, which are published by now. ``understood`` are views whose raw pages are removed next.
        """

    def redo_list(self) -> Sequence[tuple[int, str]]:
        """List the sessions, by number and id, whose staged files the latest record was to publish."""

    def published(self) -> None:
        """Empty the redo list, once every file in it has its final name and the folder is on the disk."""

    def understood(self) -> Sequence[View]:
        """List the views that are understood by now, and whose raw pages the latest record was to remove."""

    def raw_removed(self) -> None:
        """Forget the views that `understood` lists: their raw pages are removed, so none is left to be looked for."""

    def session_views(self, session: int) -> Sequence[ViewRecord]:
        """List the records of all views of a session in the list's order, also of views that have not ended."""

    def has_part(self, row: int, part: int) -> bool:
        """Tell whether a view's lines lie in its part of that number, and nowhere else."""

    def lacking_partial_files(self) -> Sequence[int]:
        """List the sessions, by number, with saved views that lie in no file for people."""

    def forget_partial_files(self) -> None:
        """Forget where views lie in partial files: recovery removes all of them, and the run's end makes them anew."""
