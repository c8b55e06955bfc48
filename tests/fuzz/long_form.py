"""The long form: changed entries of the corpus, one after another, for so many minutes."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

from fuzz.corpus import KINDS, NASTY, Change, changed, entries, save
from fuzz.targets import TARGETS, Target

# Processor seconds: no input of 100 kB may take as long.
_SLOW = 5.0


def main(arguments: Sequence[str]) -> int:
    """Run one target, or all in turn, and print what was found; 1 where a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Feed changed inputs to a reader.")
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--minutes", type=float, default=1.0, help="of each target (%(default)g)")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run; else chance decides")
    options = parser.parse_args(arguments)
    names = list(TARGETS) if options.target == "all" else [options.target]
    return 1 if sum(_fuzz(name, options.minutes * 60, random.Random(options.seed)) for name in names) else 0  # noqa: S311 - chance, not secrets


def _fuzz(name: str, seconds: float, rng: random.Random) -> int:
    """Run one target; the number of different ways in which it broke."""
    stored, ends, runs = entries(name), time.monotonic() + seconds, 0
    broken: set[str] = set()
    while time.monotonic() < ends:
        content = rng.choice(stored)
        for _ in range(rng.choice((1, 1, 2, 3, 6))):
            content = changed(content, _drawn(rng, stored))
        runs += 1
        complaint = _complaint(TARGETS[name], content)
        if complaint and complaint not in broken:
            broken.add(complaint)
            _say(f"{name}: {complaint}\n  saved as {save(name, content)}")
    _say(f"{name}: {runs:,} runs, {len(broken)} laws broken")
    return len(broken)


def _drawn(rng: random.Random, stored: Sequence[bytes]) -> Change:
    if rng.random() < 0.3:  # splice: a piece of another entry
        other = rng.choice(stored)
        start = rng.randrange(len(other) + 1)
        other = other[start : start + rng.choice((1, 4, 30, 200, 5000))]
    else:
        other = rng.choice(NASTY)
    return Change(rng.choice(KINDS), rng.randrange(2**16), rng.choice((0, 1, 1, 2, 4, 12, 60)), other)


def _complaint(target: Target, content: bytes) -> str:
    """How the target breaks: the exception and where it was raised; empty where it holds."""
    began = time.process_time()
    try:
        target(content)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "nowhere"
        return f"{type(error).__name__} at {where}"
    return "too slow" if time.process_time() - began > _SLOW else ""


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
