"""Others who spend from the same limit, without regard for anybody."""

from __future__ import annotations

import random
from dataclasses import dataclass

from benchmarks.simulation.events import Events
from benchmarks.simulation.servers import Server


@dataclass
class Neighbour:
    """What another client asked for and got."""

    asked: int = 0
    accepted: int = 0

    def ask(self, now: float, server: Server) -> None:
        self.asked += 1
        self.accepted += server.count(now).accepted


def steady(events: Events, server: Server, rate: float, rng: random.Random) -> Neighbour:
    """Asks at random, ``rate`` times a second."""
    neighbour = Neighbour()

    def ask() -> None:
        neighbour.ask(events.now, server)
        events.at(events.now + rng.expovariate(rate), ask)

    events.at(rng.expovariate(rate), ask)
    return neighbour


def bursty(events: Events, server: Server, requests: int, rng: random.Random) -> Neighbour:
    """Asks so many times in the first second of every window."""
    neighbour = Neighbour()

    def window() -> None:
        for _ in range(requests):
            events.at(events.now + rng.uniform(0, 1), lambda: neighbour.ask(events.now, server))
        events.at(events.now + server.period, window)

    events.at(server.phase or server.period, window)
    return neighbour
