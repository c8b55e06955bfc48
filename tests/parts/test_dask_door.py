"""The door to Dask: what is refused before a cluster is there, and what becomes of its errors."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from replay_fetch import engine
from replay_fetch.errors import ArchiveError, SettingsError

NOBODY = "tcp://127.0.0.1:1"
NO_FILES = {f"distributed.comm.tls.{name}": "/nosuch" for name in ("ca-file", "client.cert", "client.key")}


def _connect(scheduler: str) -> None:
    with engine.cluster(scheduler):
        raise AssertionError("connected")


def test_an_address_where_nobody_listens_is_refused_at_once_with_the_reason() -> None:
    with pytest.raises(SettingsError, match=rf"--scheduler {NOBODY}: nobody listens there \(Connection refused\); st"):
        _connect(NOBODY)


def test_an_address_where_something_else_listens_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SettingsError, match=rf"--scheduler {address}: no Dask scheduler answers there \("):
            _connect(address)


def test_a_scheduler_with_tls_is_refused_without_certificates_and_their_settings_are_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tls://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SettingsError, match=f"{address}: TLS needs .* DASK_DISTRIBUTED__COMM__TLS__CA_FILE, "):
            _connect(address)


def test_a_certificate_that_cannot_be_read_is_told_with_its_settings() -> None:
    import dask  # noqa: PLC0415 - takes a second

    with socket.create_server(("127.0.0.1", 0)) as silent, dask.config.set(NO_FILES):
        address = f"tls://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SettingsError, match=r"a certificate cannot be read \(No such file or directory\): DASK_"):
            _connect(address)


def test_an_address_that_is_none_is_told_with_the_form_of_one() -> None:
    with pytest.raises(SettingsError, match=r"--scheduler cluster: an address is tcp://HOST:PORT"):
        _connect("cluster")


def test_versions_that_differ_are_told_in_a_line_but_for_libraries_that_no_task_uses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = "Mismatched versions found\n\n| Package | Client |\n+----+\n| numpy   | 2 |\n| python  | 3.11 |\n"
    engine.tell_versions([table, table.replace("python", "tornado")])
    engine.tell_versions([table.replace("python", "pandas")])
    assert caplog.messages == ["scheduler, workers and this machine have different versions of python, tornado"]


class _Unconnected:
    def get_executor(self, **_: object) -> None:
        """Give no executor: the block that it is for raises at once."""


def _errors_of_dask() -> Iterator[tuple[Exception, str]]:
    from distributed.client import FutureCancelledError  # noqa: PLC0415 - takes a second
    from distributed.scheduler import KilledWorker  # noqa: PLC0415

    lost = FutureCancelledError("task-1", "scheduler-connection-lost")
    yield lost, rf"the scheduler at {NOBODY} is gone; .* run the same command again"
    worker = SimpleNamespace(address="tcp://127.0.0.1:2")
    yield KilledWorker("task-1", worker, 3), f"died of the same task .* the last at {worker.address}, .* run the same"


def test_tasks_that_are_lost_with_scheduler_or_workers_are_told_with_what_to_do() -> None:
    for error, said in _errors_of_dask():
        with pytest.raises(ArchiveError, match=said), engine.Engine(_Unconnected(), NOBODY).pool(1):
            raise error


def test_a_worker_of_this_machine_leaves_ctrl_c_to_its_parent() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        engine.dask_setup(None)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_engine_that_is_not_installed_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SettingsError, match=r"pip install '\.\[dask\]'"), engine.cluster(None):
        raise AssertionError("started")
