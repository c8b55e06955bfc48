"""The door to Dask: shards are downloaded, and archives read, by the workers of a cluster.

Tasks are plain values that hold neither keys nor connections, so a scheduler sees no secret. Keys, the list and the
archive have to be where the workers are.
"""

from __future__ import annotations

import logging
import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar

from replay_fetch.errors import ArchiveError, SettingsError

Task = TypeVar("Task")
Result = TypeVar("Result")

NAMES = ("dask",)
# A task whose worker died is given to another worker so many times; a worker that dies of the task itself ends there.
_RETRIES = 3
_CONNECT_SECONDS = 10
_ADDRESS = re.compile(r"(?:(?:tcp|tls|ws|wss)://)?[^/\s]+:\d+\Z")


class Engine:
    """The workers of a Dask cluster, as `cluster` yields them; reads archives as `Readers` do."""

    def __init__(self, client: Any, scheduler: str) -> None:  # Any: the library is an optional extra
        self._client = client
        self._scheduler = scheduler

    @property
    def workers(self) -> int:
        """The tasks that run at once, now: workers may come and go."""
        return sum(self._client.nthreads().values())

    def at_once(self, size: int) -> int:  # noqa: ARG002 - whoever names an engine wants it, however small the archive
        """One batch for each thread of each worker; raises SettingsError where no worker is there."""
        if not self.workers:
            raise SettingsError(
                f"the scheduler at {self._scheduler} has no workers: start some, or wait until they come"
            )
        return self.workers

    @contextmanager
    def pool(self, at_once: int) -> Iterator[Executor]:  # noqa: ARG002 - the cluster has as many as it has
        """Give the cluster as an executor; raises ArchiveError where a task kills one worker after another."""
        with self._explained():
            executor: Executor = self._client.get_executor(pure=False, retries=_RETRIES)
            yield executor

    def results(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Do the work on each task and give the results as they come; raises ArchiveError as `pool` does."""
        from distributed import as_completed  # noqa: PLC0415 - an optional extra

        with self._explained(), self._client.as_current():
            futures = self._client.map(work, list(tasks), retries=_RETRIES, pure=False)
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                self._client.cancel(futures)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from distributed.client import CancelledError  # noqa: PLC0415 - an optional extra
        from distributed.comm.core import CommClosedError  # noqa: PLC0415
        from distributed.scheduler import KilledWorker  # noqa: PLC0415

        try:
            yield
        except KilledWorker as killed:
            raise ArchiveError(
                f"workers died of the same task again and again, the last at {killed.last_worker.address}, maybe for "
                "want of memory; what is finished is kept: run the same command again"
            ) from None
        except (CommClosedError, CancelledError):  # a client that lost its scheduler calls all tasks cancelled
            raise ArchiveError(
                f"the scheduler at {self._scheduler} is gone; what is finished is kept: run the same command again"
            ) from None


@contextmanager
def cluster(scheduler: str | None, *, at_most: int | None = None) -> Iterator[Engine]:
    """Connect to the scheduler at an address, or for None start workers on this machine, for a block.

    On this machine each processor gets a worker, and there are ``at_most`` so many. Raises SettingsError where the
    library is missing or nobody answers at the address.
    """
    try:
        import distributed  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise SettingsError("--engine dask needs Dask: pip install '.[dask]' in the checkout of replay-fetch") from None
    with _silent():
        yield from _engine(distributed, scheduler, at_most)


def _engine(distributed: Any, scheduler: str | None, at_most: int | None) -> Iterator[Engine]:
    if scheduler is None:
        processors = os.cpu_count() or 1
        with _on_this_machine(distributed, min(processors, at_most or processors)) as local:
            yield local
        return
    if not _ADDRESS.match(scheduler):
        raise SettingsError(f"--scheduler {scheduler}: an address is tcp://HOST:PORT, or tls://HOST:PORT")
    try:
        client = distributed.Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"--scheduler {scheduler}: no Dask scheduler answers there ({_first_line(error)})"
        ) from None
    with client:
        yield Engine(client, scheduler)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask from telling of lost connections in tracebacks; our own errors say what became of the work."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _on_this_machine(distributed: Any, workers: int) -> Iterator[Engine]:
    """Start a cluster for this process alone: a scheduler runs anything from anybody who reaches the port."""
    local = distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        # A worker that grows is ours to bound (--memory-limit); Dask would stop it at a share of the machine.
        memory_limit=0,
        dashboard_address="127.0.0.1:0",  # any free port: the usual one may be another cluster's
        # What it says of dead workers is told by our own errors, without tracebacks.
        silence_logs=logging.CRITICAL,
        preload=__name__,
        security=distributed.Security.temporary(),
    )
    with local, distributed.Client(local, set_as_default=False) as client:
        # A worker has no handlers, so Python would print its warnings bare; here they are printed as ours are.
        client.forward_logging("replay_fetch", logging.WARNING)
        yield Engine(client, local.scheduler_address)


def dask_setup(worker: object) -> None:  # noqa: ARG001 - Dask's name and argument
    """Leave Ctrl-C to the parent; Dask calls this in each worker of this machine, which a terminal signals, too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
