"""``start``: how long does ``replay-fetch --help`` take, over a Python that does nothing?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from benchmarks.programs import Price, price
from benchmarks.results import Results, Table, spread

NOTHING, HELP = "python -c pass", "replay-fetch --help"
_COMMANDS: Mapping[str, Sequence[str]] = {
    NOTHING: (sys.executable, "-c", "pass"),
    HELP: (sys.executable, "-m", "replay_fetch", "--help"),
    "replay-fetch download --help": (sys.executable, "-m", "replay_fetch", "download", "--help"),
}
ROUNDS = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=ROUNDS)


def run(options: argparse.Namespace) -> Results:
    results = Results("start")
    paid = prices(3 if options.quick else options.rounds)
    table = Table("One start after another, round by round", ("", "ms", "CPU ms", "ms over nothing", "peak MB"))
    for name, each in paid.items():
        table.rows.append(
            (
                name,
                spread([1e3 * one.wall for one in each], "{:.0f}"),
                spread([1e3 * one.cpu for one in each], "{:.0f}"),
                spread([1e3 * seconds for seconds in beyond(paid, name)], "{:.0f}"),
                spread([one.peak / 1e6 for one in each], "{:.0f}"),
            )
        )
    results.tables.append(table)
    results.measurements += [{"command": name, **asdict(one)} for name, each in paid.items() for one in each]
    return results


def prices(rounds: int) -> dict[str, list[Price]]:
    """What each command takes, in every round; a first round fills the caches."""
    measured = [{name: price(command) for name, command in _COMMANDS.items()} for _ in range(rounds + 1)]
    return {name: [each[name] for each in measured[1:]] for name in _COMMANDS}


def beyond(paid: Mapping[str, Sequence[Price]], name: str) -> list[float]:
    """Seconds by the clock over a Python that does nothing, round by round."""
    return [one.wall - other.wall for one, other in zip(paid[name], paid[NOTHING], strict=True)]
