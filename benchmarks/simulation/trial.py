"""One controller in one scenario: what it got, and what it cost."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.simulation import neighbours
from benchmarks.simulation.client import Client
from benchmarks.simulation.controllers import Controller
from benchmarks.simulation.events import Events
from benchmarks.simulation.scenarios import Scenario
from benchmarks.simulation.servers import Hidden, Limiter, Nodes, Server
from replay_fetch.simulator.limits import FirstRequestWindow, FixedWindow, SlidingCounter, SlidingLog, TokenBucket

LIMITERS: dict[str, Callable[[int, float], Limiter]] = {
    "window": FixedWindow,
    "first": FirstRequestWindow,
    "log": SlidingLog,
    "counter": SlidingCounter,
}
PHASELESS = ("bucket", "log", "first")
SECOND_CLIENT = 60.0
BOTH_SETTLED = 120.0
HIDDEN_RATE = 6
"""Requests a second, in windows of one, that the unannounced limit lets through."""


@dataclass(frozen=True)
class Result:
    """Shares between 0 and 1; goodput may pass 1 by what a first window or a bucket had in store."""

    goodput: float
    """Accepted, of what the limit offered beyond the neighbour's demand."""
    rejected: float
    """429s, of all answers."""
    fairness: float
    """The smallest client's accepted requests over the largest's; 1 for a single one."""
    neighbour: float
    """Of the neighbour's requests, those accepted; 1 where there is none."""
    accepted: int
    clients: tuple[Client, ...]


def run(scenario: Scenario, controller: Callable[[random.Random], Controller], seed: int) -> Result:
    """Plays the scenario; the seed draws phase, latencies and neighbours, the same for every controller."""
    events = Events()
    server = served(scenario, seed)
    clients = []
    network = random.Random(f"network {seed}")
    for copy in range(scenario.clients):
        client = Client(events, server, controller(random.Random(f"client {copy} {seed}")), scenario.workers)
        client.start(SECOND_CLIENT if copy else 0.0, scenario.network, network)
        clients.append(client)
    neighbour = _neighbour(scenario, events, server, random.Random(f"neighbour {seed}"))
    events.run(scenario.lasts)
    return _result(scenario, server, clients, neighbour)


def served(scenario: Scenario, seed: int) -> Server:
    """Draw the server of the scenario: its phase, and the noise of its headers."""
    rng = random.Random(f"server {seed}")
    phase = 0.0 if scenario.kind in PHASELESS else rng.uniform(0, scenario.period)
    server = Server(_limiter(scenario, rng), scenario.limit_at, scenario.period, phase)
    server.tell(scenario.headers, rng)
    return server


def _limiter(scenario: Scenario, rng: random.Random) -> Limiter:
    limit, period = scenario.limit, scenario.period
    match scenario.kind:
        case "bucket":
            return TokenBucket(limit, period, scenario.burst)
        case "hidden":
            return Hidden(FixedWindow(limit, period), FixedWindow(HIDDEN_RATE, 1.0))
        case "nodes":
            return Nodes([FixedWindow(limit, period) for _ in range(scenario.nodes)], rng, scenario.gossip)
    return LIMITERS[scenario.kind](limit, period)


def _neighbour(scenario: Scenario, events: Events, server: Server, rng: random.Random) -> neighbours.Neighbour:
    if scenario.neighbour == "steady":
        return neighbours.steady(events, server, scenario.share * scenario.limit / scenario.period, rng)
    if scenario.neighbour == "bursty":
        return neighbours.bursty(events, server, int(scenario.share * scenario.limit), rng)
    return neighbours.Neighbour()


def offered(scenario: Scenario, server: Server) -> float:
    """Requests that the server had room for in the time that the scenario lasts."""
    if scenario.kind == "hidden":
        return min(server.offered(scenario.lasts), HIDDEN_RATE * scenario.lasts)
    return server.offered(scenario.lasts) + (scenario.burst if scenario.kind == "bucket" else 0.0)


def _result(scenario: Scenario, server: Server, clients: list[Client], neighbour: neighbours.Neighbour) -> Result:
    accepted = sum(len(client.accepted) for client in clients)
    rejected = sum(len(client.rejected) for client in clients)
    late = [sum(time > BOTH_SETTLED for time in client.accepted) for client in clients]
    return Result(
        goodput=accepted / max(1.0, offered(scenario, server) - neighbour.asked),
        rejected=rejected / max(1, accepted + rejected),
        fairness=min(late) / max(1, *late) if len(clients) > 1 else 1.0,
        neighbour=neighbour.accepted / neighbour.asked if neighbour.asked else 1.0,
        accepted=accepted,
        clients=tuple(clients),
    )
