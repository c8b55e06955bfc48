"""Servers nobody tuned for: every trait drawn at random."""

from __future__ import annotations

import random
from dataclasses import replace

from benchmarks.simulation.network import Network
from benchmarks.simulation.scenarios import Scenario
from benchmarks.simulation.servers import Headers

MODES = ("all", "some", "429", "none")
"""Which answers carry headers."""
PERIODS = (1, 5, 10, 10, 15, 30, 60, 60, 120)
"""Seconds; calendar-aligned limits come in such figures."""
KINDS = ("window", "window", "first", "bucket", "log", "counter")
"""Limiters of which one alone decides: what a hidden limit or nodes offer, nobody knows."""


def draw(seed: int, headers_on: str, *, alone: bool = False) -> Scenario:
    """A server with headers as in ``MODES``; ``alone`` draws no neighbour and no other limit later."""
    rng = random.Random(f"world {headers_on} {seed}")
    period = rng.choice(PERIODS)
    rate = 10 ** rng.uniform(-0.3, 1.7)
    limit = max(10, round(rate * period))
    changes = _changes(rng, limit) if rng.random() < 0.25 else ()
    headers = Headers(
        on="all" if headers_on == "some" else headers_on,
        share=0.5 if headers_on == "some" else 1.0,
        reset=rng.choice(("ceil", "floor")),
    )
    kind = rng.choice(("window", "window", "window", "bucket", "log")) if headers_on == "none" else "window"
    latency = 10 ** rng.uniform(-1.3, 0)
    edge = rng.uniform(0.002, 0.05)
    return Scenario(
        about=f"{kind} {limit}/{period} s, headers on {headers_on}",
        limit=limit,
        period=period,
        kind=kind,
        burst=rng.choice((10, 20, 50)),
        headers=headers,
        changes=changes if kind == "window" and not alone else (),
        network=Network(latency, rng.uniform(0.2, 0.8), latency / 5, 8 * latency, (edge, 3 * edge)),
        neighbour="steady" if rng.random() < 0.25 and not alone else "",
        share=rng.uniform(0.1, 0.5),
        workers=max(16, int(limit / period * latency * 8)),
        lasts=max(600.0, 10.0 * period),
    )


def draw_limiter(seed: int) -> Scenario:
    """A server of any kind, of which headers on all answers tell in any form; for two in five with others on it."""
    rng = random.Random(f"limiter {seed}")
    scenario = draw(rng.randrange(2**32), "all")
    kind = rng.choice(KINDS)
    others = rng.choice(("", "", "", "copies", "steady"))
    reset = rng.choice(("ceil", "ceil", "floor", "epoch", "period", "zero"))
    late = rng.choice((0, 0, 0, 3, 5))
    return replace(
        scenario,
        about=f"{kind} {scenario.limit}/{scenario.period} s, reset {reset}, remaining {late} late, {others or 'alone'}",
        kind=kind,
        burst=max(1.0, scenario.limit * rng.choice((0.2, 0.5, 1.0))),
        headers=Headers(reset=reset, late=late),
        changes=scenario.changes if kind == "window" else (),
        neighbour="steady" if others == "steady" else "",
        clients=rng.randint(2, 4) if others == "copies" else 1,
    )


def _changes(rng: random.Random, limit: int) -> tuple[tuple[float, int], ...]:
    return ((rng.uniform(150, 250), max(5, round(limit * rng.uniform(0.4, 2)))), (rng.uniform(350, 450), limit))
