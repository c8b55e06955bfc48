"""The long form: kills by the hundred, at every point of every scenario and at random times."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from crash.harness import Stage, crashes, staged
from crash.points import Crash
from crash.scenarios import SCENARIOS
from crash.sequences import STEPS, sequence

# Of the trials: with a kill at a random time, and with a second kill while the run goes on.
_RANDOM, _SECOND = 0.25, 0.3


def main(arguments: Sequence[str]) -> int:
    """Run the trials and print what was killed where; 1 where a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="Kill downloads and compare archives.")
    parser.add_argument("--kills", type=int, default=300, help="how many, over all scenarios (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="repeats a run (%(default)s)")
    parser.add_argument("--sequences", type=int, default=0, help="random sequences of commands, instead of scenarios")
    parser.add_argument("--steps", type=int, default=STEPS, help="commands a sequence (%(default)s)")
    options = parser.parse_args(arguments)
    if options.sequences:
        return _sequences(range(options.seed, options.seed + options.sequences), options.steps)
    started = time.monotonic()
    killed, broken = Counter[str](), 0
    with tempfile.TemporaryDirectory(prefix="replay-fetch-crash-") as folder:
        for number, scenario in enumerate(SCENARIOS):
            rng = random.Random(options.seed * 1000 + number)  # noqa: S311 - chance, not secrets
            with staged(scenario, Path(folder) / str(number)) as stage:
                kills, failures = _scenario(stage, options.kills // len(SCENARIOS), rng, killed)
            broken += len(failures)
            _say(f"{scenario.name}: {kills} kills, {len(failures)} laws broken")
            for failure in failures:
                _say(f"  {failure}")
    width = max(map(len, killed), default=0)
    for point, count in sorted(killed.items()):
        _say(f"{point:<{width}} {count:>5}")
    _say(f"{sum(killed.values())} kills, {broken} laws broken, {time.monotonic() - started:.0f} s")
    return 1 if broken else 0


def _sequences(seeds: range, count: int) -> int:
    """Lead archives through the sequences of some seeds; each that breaks a law is repeated by its seed."""
    started, killed, broken = time.monotonic(), Counter[str](), 0
    with tempfile.TemporaryDirectory(prefix="replay-fetch-crash-") as folder:
        for seed in seeds:
            try:
                kills = sequence(seed, Path(folder) / "sequence", count)
                killed += kills
                _say(f"seed {seed}: {kills.total()} kills")
            except AssertionError as error:
                broken += 1
                _say(f"{str(error)[:6000]}\nrepeat: python -m tests.crash --sequences 1 --seed {seed} --steps {count}")
    for point, times in sorted(killed.items()):
        _say(f"{point:<40} {times:>5}")
    seconds = time.monotonic() - started
    _say(f"{len(seeds)} sequences, {killed.total()} kills, {broken} broken, {seconds:.0f} s")
    return 1 if broken else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _scenario(stage: Stage, wanted: int, rng: random.Random, killed: Counter[str]) -> tuple[int, list[str]]:
    points = crashes(stage, rng)
    kills, failures = 0, []
    while kills < wanted:
        chosen: list[Crash | float] = [_chosen(stage, rng, next(points))]
        if rng.random() < _SECOND:
            chosen.append(_chosen(stage, rng, next(points)))
        try:
            made = stage.trial(*chosen)
        except AssertionError as error:
            failures.append(f"{chosen}: {str(error)[:2000]}")
            made = len(chosen)
        kills += made
        for crash in chosen[:made]:
            killed["at a random time" if isinstance(crash, float) else f"{crash.when} {crash.point}"] += 1
    return kills, failures


def _chosen(stage: Stage, rng: random.Random, crash: Crash) -> Crash | float:
    return rng.uniform(0.0, stage.seconds) if rng.random() < _RANDOM else crash
