"""The door to Dask: shards are downloaded, and archives read, by the workers of a cluster.

Tasks are plain values that hold neither keys nor connections, so a scheduler sees no secret. Keys, the list and the
archive have to be where the workers are.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, TypeVar

import anyio

from replay_fetch.errors import ArchiveError, SettingsError

Task = TypeVar("Task")
Result = TypeVar("Result")

NAMES = ("dask",)
# A task whose worker died is given to another worker so many times; a worker that dies of the task itself ends there.
_RETRIES = 3
_CONNECT_SECONDS = 10
_ADDRESS = re.compile(r"(?:(tcp|tls|ws|wss)://)?([^/\s]+):(\d+)\Z")
# Of what Dask compares among the machines, our tasks use neither.
_UNUSED = {"numpy", "pandas", "lz4"}
log = logging.getLogger(__name__)


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
        """One batch for each thread of each worker."""
        return self.workers or 1  # all may have gone since they were asked for their version

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

    def everywhere(self, call: Callable[..., Result], *arguments: object) -> list[Result]:
        """Call a function in every worker that answers, beside its tasks, and give the results."""
        with self._explained():
            answers: dict[str, Result | Exception] = self._client.run(call, *arguments, on_error="return")
        return [answer for answer in answers.values() if not isinstance(answer, Exception)]

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
    library is missing, no scheduler answers at the address, or its workers are none or lack this package.
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
    with _connected(distributed, scheduler) as client:
        # A task that a worker cannot even read would end that worker, which may be somebody else's, too.
        _check_workers(scheduler, client.run(installed, on_error="return"))
        yield Engine(client, scheduler)


def _connected(distributed: Any, scheduler: str) -> Any:
    """Connect to a scheduler; a client that fails on its way would wait, and complain of it, for half a minute."""
    address = _ADDRESS.match(scheduler)
    if address is None:
        raise SettingsError(f"--scheduler {scheduler}: an address is tcp://HOST:PORT, or tls://HOST:PORT")
    scheme, host, port = address.groups()
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"--scheduler {scheduler}: nobody listens there ({_reason(error)}); start a scheduler, or correct the "
            "address"
        ) from None
    terms = _terms(distributed, scheduler, encrypted=scheme in {"tls", "wss"})
    try:
        anyio.run(_greet, distributed, scheduler, terms)
        with warnings.catch_warnings(record=True) as told:
            client = distributed.Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # noqa: BLE001 - each kind of connection fails with errors of its own
        raise SettingsError(
            f"--scheduler {scheduler}: no Dask scheduler answers there ({_reason(error)}); correct the address, and "
            "begin it with tls:// where the cluster has certificates"
        ) from None
    tell_versions(str(each.message) for each in told)
    return client


def _terms(distributed: Any, scheduler: str, *, encrypted: bool) -> Mapping[str, Any]:
    """Give what a connection needs, as Dask's own settings have it."""
    settings = ", ".join(f"DASK_DISTRIBUTED__COMM__TLS__{name}" for name in ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY"))
    try:
        terms: dict[str, Any] = distributed.Security().get_connection_args("client")
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"--scheduler {scheduler}: a certificate cannot be read ({_reason(error)}): {settings}"
        ) from None
    if encrypted and terms.get("ssl_context") is None:
        raise SettingsError(f"--scheduler {scheduler}: TLS needs the cluster's certificates: set {settings}")
    return terms


async def _greet(distributed: Any, scheduler: str, terms: Mapping[str, Any]) -> None:
    with anyio.fail_after(_CONNECT_SECONDS):
        comm = await distributed.comm.connect(scheduler, timeout=_CONNECT_SECONDS, **terms)
        comm.abort()


def tell_versions(warned: Iterable[str]) -> None:
    """Name what the machines have in different versions, in place of Dask's table with a traceback's looks."""
    names = {name for text in warned for name in re.findall(r"^\| (\w+) ", text, re.MULTILINE)}
    if different := sorted(names - _UNUSED - {"Package"}):
        log.warning("scheduler, workers and this machine have different versions of %s", ", ".join(different))


def installed() -> str:
    """Tell which version of this package a worker has."""
    return version("replay-fetch")


def _check_workers(scheduler: str, found: Mapping[str, str | Exception]) -> None:
    """Raise SettingsError unless there are workers, each with our version of this package."""
    if not found:
        raise SettingsError(
            f"--scheduler {scheduler}: the scheduler has no workers; start some (`dask worker {scheduler}`), or wait "
            "until they come"
        )
    ours = installed()
    for worker, theirs in sorted(found.items()):
        if theirs != ours:
            has = f"replay-fetch {theirs}" if isinstance(theirs, str) else f"no replay-fetch ({_reason(theirs)})"
            raise SettingsError(
                f"--scheduler {scheduler}: the worker at {worker} has {has}; install {ours}, as this command is, for "
                "all workers"
            )


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
        # Our own errors tell of dead workers, without the tracebacks that Dask logs.
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


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer in {_CONNECT_SECONDS} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [type(error).__name__])[0]
