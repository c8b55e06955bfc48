"""The command line as a process of its own or in this one, and a simulator that serves it from a thread."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from archives import KEYS, WIDE

import replay_fetch
from replay_fetch.cli import main
from replay_fetch.simulator import Simulator, SimulatorSettings

_ROOT = Path(replay_fetch.__file__).parents[1]
COMMAND = (sys.executable, "-m", "replay_fetch")
# Seconds: ends a process that hangs, before the limit of the whole test does, which would leave it behind. It judges
# no speed: a busy machine takes a tenth of it.
HANGS = 240.0
_KEYS = {"DD_API_KEY": KEYS.api_key, "DD_APP_KEY": KEYS.app_key}
# The API of most tests of processes: no limit that a run could meet.
USUAL = SimulatorSettings(limit=WIDE)


@contextmanager
def served(settings: SimulatorSettings) -> Iterator[Simulator]:
    """A simulator on a loop in another thread."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Simulator(settings)) as simulator:
        yield simulator


def lead_to(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set this process's environment so that commands ask the simulator, with the keys that it takes."""
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    monkeypatch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)


def environment(keys: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a process of ours is started with: this environment's paths, the simulator's keys."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("DD_", "DATADOG_"))}
    # Each process that asks the API would read the machine's list of authorities, an eighth of a short download's CPU;
    # what tests ask has no certificate, or one of an authority that the test names.
    environ["SSL_CERT_FILE"] = os.devnull
    paths = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**environ, "PYTHONPATH": paths, **(_KEYS if keys is None else keys)}


@dataclass(frozen=True)
class Done:
    """A process that has ended."""

    code: int
    stdout: str
    stderr: str

    def __repr__(self) -> str:
        return f"<exit {self.code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}>"


def start(
    *arguments: str | Path, keys: Mapping[str, str] | None = None, command: Sequence[str] = COMMAND
) -> subprocess.Popen[bytes]:
    """Start a command; its streams are pipes."""
    return subprocess.Popen(  # noqa: S603 - our own command
        [*command, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(keys),
    )


def run(
    *arguments: str | Path,
    keys: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    command: Sequence[str] = COMMAND,
) -> Done:
    """Run a command to its end."""
    return ended(start(*arguments, keys=keys, command=command), stdin)


def run_here(*arguments: str | Path, keys: Mapping[str, str] | None = None, stdin: bytes = b"") -> Done:
    """Run a command to its end in this process, for tests of its words, files and code.

    A process of its own takes half a second of CPU longer: it is for signals, pipes, limits and what a start imports.
    """
    stdout, stderr = io.BytesIO(), io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("DD_", "DATADOG_")):
                patch.delenv(name)
        for name, value in (_KEYS if keys is None else keys).items():
            patch.setenv(name, value)
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        patch.setattr("sys.stdout", io.TextIOWrapper(stdout, "utf-8", write_through=True))
        patch.setattr("sys.stderr", io.TextIOWrapper(stderr, "utf-8", write_through=True))
        try:
            code = main([*map(str, arguments)])
        except SystemExit as end:
            code = int(end.code or 0)
        return Done(code, stdout.getvalue().decode(), stderr.getvalue().decode())


def ended(process: subprocess.Popen[bytes], stdin: bytes = b"") -> Done:
    """What became of a started command; one that hangs is ended."""
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=HANGS)
        finally:
            process.kill()
    return Done(process.returncode, stdout.decode(), stderr.decode())
