"""A process that has everything imported and forks a run whenever it is told to.

Reads one order a line from stdin, as JSON; answers with the run's process id and, when that has
ended, its exit code. Starting Python for each of hundreds of runs would take longer than the runs.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import replay_fetch.cli.download  # noqa: F401 - so that it is there when a run is forked
from crash.points import Crash, Shim
from replay_fetch.cli import main


def serve() -> None:
    """Fork runs until stdin ends."""
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(_run(order))
        _answer(child)
        _answer(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _run(order: dict[str, Any]) -> int:  # Any: JSON
    said = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for stream, target in ((0, nothing), (1, said), (2, said)):
        os.dup2(target, stream)
    crash = Crash(*order["crash"]) if order["crash"] else None
    Shim(Path(order["out"]), crash, Path(order["log"]) if order["log"] else None).install()
    try:
        code = main(order["arguments"])
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return code


if __name__ == "__main__":
    serve()
