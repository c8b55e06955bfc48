"""A child process with little memory, and how much processor time it took."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import replay_fetch

_ROOT = Path(replay_fetch.__file__).parents[1]
_TESTS = _ROOT / "tests"
_KEYS = {"DD_API_KEY": "key", "DD_APP_KEY": "key"}


def run_bounded(script: str, *, memory: int, seconds: int) -> str:
    """Run Python code that may take ``memory`` bytes of addresses and ``seconds`` of processor time.

    Returns what it printed; fails where it is ended or raises.
    """

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

    done = subprocess.run(
        [sys.executable, "-"],
        input=script,
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        env={"PYTHONPATH": f"{_ROOT}:{_TESTS}:{_TESTS / 'kit'}", "PATH": "/usr/bin:/bin", **_KEYS},
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stderr[-3000:]}"
    return done.stdout
