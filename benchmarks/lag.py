"""How late the event loop of a program is: ``python -m benchmarks.lag FILE MODULE ARGUMENT…``.

The module runs as ``python -m MODULE`` would, whichever loop it takes. Something is due on that loop every
5 ms, and ``FILE`` gets how late it was. What a blocked loop missed counts as due all the same: a stall
of 100 ms is twenty ticks that were late, not one.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import sys
import time
from array import array
from collections.abc import Coroutine, Sequence
from contextvars import Context
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

PERIOD = 0.005


@dataclass(frozen=True)
class Lag:
    """Seconds that a loop kept others waiting, at worst and in all but one of a hundred cases."""

    worst: float
    p99: float

    @classmethod
    def of(cls, late: Sequence[float]) -> Self:
        ordered = sorted(late) or [0.0]
        return cls(ordered[-1], ordered[(len(ordered) - 1) * 99 // 100])

    @classmethod
    def read(cls, file: Path) -> Self:
        return cls(**json.loads(file.read_bytes()))

    def __str__(self) -> str:
        return f"{1e3 * self.worst:.0f} / {1e3 * self.p99:.0f}"


def watched(command: Sequence[str], file: Path) -> Sequence[str]:
    """The command ``python -m MODULE …`` with its loop under watch."""
    python, _, *module = command
    return [python, "-m", "benchmarks.lag", str(file), *module]


class Ticker:
    """Notes how late each tick of a loop came."""

    def __init__(self) -> None:
        self.late = array("d")

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._due = loop, time.monotonic()
        self._tick()

    def _tick(self) -> None:
        now = time.monotonic()
        self.note(now - self._due)
        self._due = now + PERIOD
        self._loop.call_later(PERIOD, self._tick)

    def note(self, late: float) -> None:
        """One tick that was late, and those that were due meanwhile."""
        while late > 0:
            self.late.append(late)
            late -= PERIOD


def watch(ticker: Ticker) -> None:
    """Let the ticker tick on every loop that this process runs from now on."""
    run = asyncio.Runner.run  # asyncio.run, anyio.run and uvloop.run all come by here

    def ticking(self: asyncio.Runner, coro: Coroutine[Any, Any, Any], *, context: Context | None = None) -> Any:
        ticker.start(self.get_loop())
        return run(self, coro, context=context)

    asyncio.Runner.run = ticking  # type: ignore[method-assign] # a program has no other place to look in


def main() -> None:
    file, module, *arguments = sys.argv[1:]
    ticker = Ticker()
    watch(ticker)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        Path(file).write_text(json.dumps(asdict(Lag.of(ticker.late))), encoding="utf-8")


if __name__ == "__main__":
    main()
