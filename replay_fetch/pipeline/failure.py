"""The failure of a run: one value, wherever in the run it arises."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

from replay_fetch.archive import Writer
from replay_fetch.archive.session_file import DamagedFile
from replay_fetch.errors import ArchiveError, ReplayFetchError

log = logging.getLogger(__name__)


class FirstFailure:
    """Keeps a run's first failure as a value, so that what arrived before it is still committed and reported."""

    def __init__(self) -> None:
        self.error: ReplayFetchError | None = None
        self.in_order = True
        """False where the archive could not be written: the next run then looks for leftovers, as after a kill."""

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Do something that may fail; go on behind it. Whatever is no error of ours is a defect and leaves as it is."""
        try:
            yield
        except ReplayFetchError as error:
            self.keep(error)
        except ExceptionGroup as errors:
            self.keep(_cause(errors))

    def keep(self, error: ReplayFetchError) -> None:
        """Take a failure in; a later one is logged, and the first stays the run's."""
        # A session's file that was damaged before the run is not of its making: what the run wrote is in order.
        self.in_order &= isinstance(error, DamagedFile) or not isinstance(error, ArchiveError)
        if self.error is None:
            self.error = error
        else:
            log.warning("and then: %s", error)

    def raise_first(self) -> None:
        """Raise the first failure, if there is one, for a caller who wants no value."""
        if self.error is not None:
            raise self.error


async def beside_writer(writer: Writer, work: Callable[[], Awaitable[None]], failure: FirstFailure) -> None:
    """Do ``work`` while the writer commits; return when all that was put is committed, or cannot be.

    Where the work fails, the writer still commits what came. Where the writer fails, the work is cancelled.
    """
    with failure.kept():
        async with anyio.create_task_group() as group:
            group.start_soon(writer.run)
            with failure.kept():
                await work()
            writer.close()


def _cause(errors: BaseExceptionGroup[BaseException]) -> ReplayFetchError:
    """The failure that brought a group of tasks down; anything else among the errors is a defect and is raised."""
    causes, defects = errors.split(ReplayFetchError)
    if causes is None or defects is not None:
        raise errors
    first = causes.exceptions[0]
    return _cause(first) if isinstance(first, BaseExceptionGroup) else first
