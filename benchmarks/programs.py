"""Running other programs: one to its end at a price, or one beside us that goes when we go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


@dataclass(frozen=True)
class Price:
    """What a program took: seconds of CPU and of the clock, and its largest resident size in bytes."""

    cpu: float
    wall: float
    peak: int


class FailedError(Exception):
    """A program that ended badly; the message holds its last words."""


def price(command: Sequence[str], *, env: Mapping[str, str] | None = None, time_limit: float = 300.0) -> Price:
    """Run a program to its end; raises FailedError where that is a bad one or takes too long.

    The kernel counts the peak from the copy of this process that a program begins as: keep this one small.
    """
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        with running(command, env=env, output=said.fileno()) as program:
            watch = threading.Timer(time_limit, program.kill)
            watch.start()
            try:
                _, status, usage = os.wait4(program.pid, 0)
            finally:
                watch.cancel()
            program.returncode = os.waitstatus_to_exitcode(status)  # so that nobody waits for it again
        wall = time.perf_counter() - began
        if program.returncode:
            said.seek(0)
            words = said.read()[-600:].decode(errors="replace")
            raise FailedError(f"{' '.join(map(str, command[:4]))} … ended with {program.returncode}: {words}")
    return Price(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * _UNIT)


@contextmanager
def running(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, output: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """A program with all that it starts, killed on leaving, whatever the reason."""
    # An installed package has its bytecode; forbidden to write it, each start would compile everything again.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    program = subprocess.Popen(  # noqa: S603 - the commands are ours
        command,
        cwd=ROOT,
        env={**inherited, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        yield program
    finally:
        if program.returncode is None:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
