"""Crashes runs and judges what they leave behind.

One trial: run until the crash, look, run the same command to its end, look again. The laws:

1. a file under a finished name is a finished file, at any instant;
2. in the end, sessions, manifest and raw pages are those of a run that was never interrupted;
3. no view is asked for again that the ledger called finished at the crash, and no page that it had;
4. nothing else lies around, and ``verify`` finds nothing.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from archives import Archive, write_list
from processes import environment, served

from crash.judge import Progress, check_crashed, check_finished
from crash.points import AFTER, BEFORE, HALFWAY, Call, Crash
from crash.scenarios import Scenario
from replay_fetch.simulator import Simulator

_TESTS = Path(__file__).parents[1]


@dataclass
class Launcher:
    """Runs commands in processes of their own; see ``launcher``."""

    process: subprocess.Popen[str]
    folder: Path

    def run(
        self,
        arguments: list[str],
        out: Path,
        *,
        crash: Crash | None = None,
        kill_after: float | None = None,
        log: Path | None = None,
    ) -> int:
        """Run a command to its end, a crash, or a kill after so many seconds; returns the exit code."""
        order = {
            "arguments": arguments,
            "out": str(out),
            "crash": crash,
            "log": str(log) if log else None,
            "said": str(self.said),
        }
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return int(self.process.stdout.readline())

    @property
    def said(self) -> Path:
        """What the last run printed."""
        return self.folder / "said"


@contextmanager
def launched(folder: Path) -> Iterator[Launcher]:
    """A launcher, ended on the way out."""
    environ = environment()
    environ["PYTHONPATH"] += f":{_TESTS}"
    command = [sys.executable, "-m", "crash.launcher"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, text=True) as process:  # noqa: S603
        try:
            yield Launcher(process, folder)
        finally:
            process.kill()


@dataclass
class Stage:
    """One scenario, ready to be crashed: its simulator, what a good run leaves, the points it passes."""

    scenario: Scenario
    simulator: Simulator
    launcher: Launcher
    folder: Path
    points: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    calls: list[Call] = field(default_factory=list)
    """Every call of the uninterrupted run, in order, twice: before it and after it."""

    @property
    def reference(self) -> Archive:
        return Archive(self.folder / "reference")

    def arguments(self, out: Path) -> list[str]:
        views = str(self.folder / "views.csv")
        return ["download", views, str(out), "--base-url", self.simulator.base_url, *self.scenario.flags]

    def prepare(self) -> None:
        """Fetch what the scenario begins with, and the archive that an uninterrupted run leaves."""
        views = self.simulator.views[self.scenario.views]
        write_list(self.folder / "views.csv", views)
        begun = self.folder / "begun"
        if self.scenario.first is not None:
            first = write_list(self.folder / "first.csv", views[self.scenario.first])
            arguments = self.arguments(begun)
            arguments[1] = str(first)
            self.launcher.run(arguments, begun)
        out, log = self.reference.root, self.folder / "calls"
        self.begin(out)
        started = time.monotonic()
        code = self.launcher.run(self.arguments(out), out, log=log)
        self.seconds = time.monotonic() - started
        assert code == self.scenario.code, self.launcher.said.read_text()
        for line in log.read_text().splitlines():
            call = Call(*line.split("\t"))
            self.calls.append(call)
            self.points[call.point] += call.when == BEFORE

    def begin(self, out: Path) -> None:
        """Put what the scenario begins with where the run is to go on."""
        begun = self.folder / "begun"
        if begun.is_dir():
            shutil.copytree(begun, out)

    def trial(self, *crashes: Crash | float) -> int:
        """Crash a run at each of the points in turn, or after so many seconds; returns how many kills that was.

        Raises AssertionError where a law is broken. A point that is not reached is no kill.
        """
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        self.begin(out)
        kills = 0
        known: list[Progress] = []
        for crash in crashes:
            at = {"kill_after": crash} if isinstance(crash, float) else {"crash": crash}
            code = self.launcher.run(self.arguments(out), out, **at)
            killed = code == -9
            kills += killed
            assert killed or code == self.scenario.code, (crash, code, self.launcher.said.read_text())
            known.append(check_crashed(self, out))
        code = self.launcher.run(self.arguments(out), out)
        assert code == self.scenario.code, (crashes, code, self.launcher.said.read_text())
        check_finished(self, out, known)
        return kills


@contextmanager
def staged(scenario: Scenario, folder: Path) -> Iterator[Stage]:
    """A scenario that is ready to be crashed."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        simulator = stack.enter_context(served(scenario.settings))
        launcher = stack.enter_context(launched(folder))
        stage = Stage(scenario, simulator, launcher, folder)
        stage.prepare()
        yield stage


def crashes(stage: Stage, rng: random.Random) -> Iterator[Crash]:
    """Crashes at every point of a scenario in turn, for ever: each time and place has the same chance."""
    while True:
        for point, count in stage.points.items():
            times = (BEFORE, HALFWAY, AFTER) if point.startswith("write ") else (BEFORE, AFTER)
            yield Crash(point, rng.randint(1, count), rng.choice(times))
