"""The failure of a run: one value, wherever in the run a failure arises."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

from replay_fetch.archive.write.session_file import DamagedFile
from replay_fetch.archive.write.writer import Writer
from replay_fetch.errors import ArchiveError, ReplayFetchError

log = logging.getLogger(__name__)


class FirstFailure:
    """Keeps a run's first failure as a value, so all pages before the failure are committed and reported.

    The workers, the writer, the manifest and the report may all fail; a run tells a single failure, the cause of
    its end.
    """

    def __init__(self) -> None:
        self.error: ReplayFetchError | None = None
        # False where the archive could not be written: the next run then looks for leftovers, as after a kill.
        self.in_order = True

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Run the body of the context, and go on behind the body with a failure kept.

        Any error outside our tree is a defect, alone or in a group, and is raised unchanged.
        """
        try:
            yield
        except ReplayFetchError as error:
            self.keep(error)
        except ExceptionGroup as errors:
            self.keep(_cause(errors))

    def keep(self, error: ReplayFetchError) -> None:
        """Take a failure in; the first stays the run's, and a later one is logged."""
        # A session's file that was damaged before the run is not of its making: what the run wrote is in order.
        self.in_order &= isinstance(error, DamagedFile) or not isinstance(error, ArchiveError)
        if self.error is None:
            self.error = error
        elif str(error) != str(self.error):  # a full disk is met by every step
            log.warning("and then: %s", error)

    def raise_first(self) -> None:
        """Raise the first failure, if any, for a caller without use for a value."""
        if self.error is not None:
            raise self.error


async def beside_writer(writer: Writer, work: Callable[[], Awaitable[None]], failure: FirstFailure) -> None:
    """Do ``work`` while the writer commits; return when all messages are committed, or cannot be.

    Where the work fails, the writer still commits the messages before. Where the writer fails, the work is
    cancelled.
    """
    # Two levels: a failure of the work must not cancel the writer, but the writer's must cancel the work, since
    # nobody would make room for what it puts.
    with failure.kept():
        async with anyio.create_task_group() as group:
            group.start_soon(writer.run)
            with failure.kept():
                await work()
            writer.close()


def _cause(errors: BaseExceptionGroup[BaseException]) -> ReplayFetchError:
    """The failure behind a group of tasks brought down; raises the group where a defect is among the errors."""
    causes, defects = errors.split(ReplayFetchError)
    if causes is None or defects is not None:
        raise errors
    first = causes.exceptions[0]
    return _cause(first) if isinstance(first, BaseExceptionGroup) else first
