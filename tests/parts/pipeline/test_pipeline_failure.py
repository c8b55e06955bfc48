"""The failure of a run: the first one is its result, and everything that came before is committed."""

from __future__ import annotations

import logging
from pathlib import Path

import anyio
import pytest

from replay_fetch.archive.write.session_file import DamagedFile
from replay_fetch.archive.write.writer import Writer
from replay_fetch.errors import ArchiveError, AuthError, OutageError
from replay_fetch.pipeline.failure import FirstFailure, beside_writer


class Committing(Writer):
    """Notes that it was closed, or fails at once."""

    def __init__(self, fails: ArchiveError | None = None) -> None:
        self._fails = fails
        self._told = anyio.Event()
        self.committed = False

    def close(self) -> None:
        self._told.set()

    async def run(self) -> None:
        if self._fails is not None:
            raise self._fails
        await self._told.wait()
        self.committed = True


def test_the_first_failure_stays_and_a_later_one_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    failure, first = FirstFailure(), AuthError("refused")
    with failure.kept():
        raise first
    with failure.kept():
        raise OutageError("dead")
    assert failure.error is first
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(logging.WARNING, "and then: dead")]
    with pytest.raises(AuthError):
        failure.raise_first()


@pytest.mark.parametrize(
    ("error", "in_order"),
    [
        (AuthError("refused"), True),
        (DamagedFile("s.ndjson", "short", Path("out")), True),
        (ArchiveError("disk full"), False),
    ],
    ids=["keys", "damaged before", "disk full"],
)
def test_an_archive_is_in_order_unless_it_could_not_be_written(error: AuthError | ArchiveError, in_order: bool) -> None:  # noqa: FBT001 - from the table
    failure = FirstFailure()
    with failure.kept():
        raise ExceptionGroup("tasks", [ExceptionGroup("workers", [error])])
    assert (failure.error, failure.in_order) == (error, in_order)


def test_a_defect_among_failures_leaves_as_it_is() -> None:
    failure = FirstFailure()
    with pytest.raises(ExceptionGroup) as defect, failure.kept():
        raise ExceptionGroup("tasks", [AuthError("refused"), KeyError("ours")])
    assert defect.group_contains(KeyError)
    assert failure.error is None


@pytest.mark.anyio
async def test_the_writer_commits_what_came_before_the_work_failed() -> None:
    failure, writer = FirstFailure(), Committing()

    async def work() -> None:
        raise OutageError("dead")

    await beside_writer(writer, work, failure)
    assert isinstance(failure.error, OutageError)
    assert writer.committed


@pytest.mark.anyio
async def test_a_writer_that_fails_ends_the_work() -> None:
    failure = FirstFailure()
    await beside_writer(Committing(ArchiveError("disk full")), anyio.sleep_forever, failure)
    assert str(failure.error) == "disk full"
    assert not failure.in_order
