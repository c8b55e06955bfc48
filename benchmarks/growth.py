"""What the steps of an archive's life cost on a list of so many rows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import ENVIRONMENT, ours
from benchmarks.programs import Price, price
from benchmarks.scratch import settle, write_list

VIEWS = 2
"""Views of a session."""
PAGE = 2_000
"""Bytes of a page that is fetched."""
STEPS = ("plan", "shuffled plan", "empty", "resume", "fetch", "verify", "status")
_LEDGERS = ("plan", "finish")  # of benchmarks.ledgers
_SLOWEST = 0.01  # seconds a row, beyond which a step is given up


@dataclass(frozen=True)
class Trial:
    """One step on a list of so many rows; what it costs with a single row is in ``started``."""

    rows: int
    step: str
    started: Price
    whole: Price
    ledger: int = 0
    """Bytes of the ledger afterwards."""

    @property
    def cpu(self) -> float:
        """Seconds a row."""
        return (self.whole.cpu - self.started.cpu) / self.rows


@dataclass
class Growth:
    """Lists of any length, against a server that has nothing and one that has pages."""

    folder: Path
    empty_url: str
    page_url: str

    def start(self, steps: Collection[str]) -> dict[str, Price]:
        """Each step's least price of three, on a list of one row."""
        paid = [step for _ in range(3) for step in self._steps(1, steps)]
        return {step: min((one for name, one, _ in paid if name == step), key=lambda one: one.cpu) for step in steps}

    def trials(self, rows: int, steps: Collection[str], started: Mapping[str, Price]) -> list[Trial]:
        """The steps on one list."""
        return [Trial(rows, step, started[step], paid, ledger) for step, paid, ledger in self._steps(rows, steps)]

    def _steps(self, rows: int, wanted: Collection[str]) -> Iterator[tuple[str, Price, int]]:
        """Each step with its price, and the ledger's size after it."""
        out = self.folder / "out"
        for life in self._lives(rows, out):
            if not any(step in wanted for step, _ in life):
                continue
            settle(self.folder)
            for step, command in life:
                paid = price(command, env=ENVIRONMENT, time_limit=300 + _SLOWEST * rows)
                if step in wanted:
                    ledger = sum(file.stat().st_size for file in (out / ".replay-fetch").glob("ledger.sqlite*"))
                    yield step, paid, ledger
            shutil.rmtree(out)

    def _lives(self, rows: int, out: Path) -> Sequence[Sequence[tuple[str, Sequence[str]]]]:
        """What happens to an archive, one after another; what has no name only leads on to the next."""
        views, shuffled = (
            write_list(self.folder / f"{name}.csv", -(-rows // VIEWS), min(rows, VIEWS), shuffled=name == "shuffled")
            for name in ("views", "shuffled")
        )
        fetch, ask = (
            ours("--source", "event_platform", "--quiet")(url, views, out) for url in (self.page_url, self.empty_url)
        )
        ledgers = [sys.executable, "-m", "benchmarks.ledgers"]
        plan, finish = ([*ledgers, what, str(views), str(out)] for what in _LEDGERS)
        verify, status = ([sys.executable, "-m", "replay_fetch", what, str(out)] for what in ("verify", "status"))
        return [
            [("plan", plan), ("", finish), ("", ask), ("resume", ask)],  # the first to ask nothing writes the manifest
            [("shuffled plan", [*ledgers, "plan", str(shuffled), str(out)])],
            [("empty", ask)],
            [("fetch", fetch), ("verify", [*verify, "--quiet"]), ("status", status)],
        ]
