"""The servers, networks and neighbours that controllers are compared on."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.simulation.client import Trips
from benchmarks.simulation.network import Jitter, Network
from benchmarks.simulation.servers import Headers


@dataclass(frozen=True)
class Scenario:
    """One limit and everything around it; times are seconds."""

    about: str
    limit: int = 100
    period: float = 10
    kind: str = "window"
    """``window``, ``first`` (it begins with the first request), ``bucket`` (refilled at limit / period), ``log``,
    ``counter`` (two that slide), ``hidden`` (a window beside which nobody tells of six a second) or ``nodes``."""
    burst: float = 20
    """Tokens that a bucket saves up."""
    nodes: int = 4
    gossip: float = 0.0
    """Seconds until a node knows what the others counted; 0: never, each has its share of the limit."""
    headers: Headers = field(default_factory=Headers)
    changes: tuple[tuple[float, int], ...] = ()
    """(from when on, another limit), in order."""
    network: Trips = field(default_factory=Network)
    neighbour: str = ""
    """``steady`` or ``bursty``."""
    share: float = 0.5
    """Of the limit, what the neighbour asks for."""
    clients: int = 1
    """Copies of the client on one limit; the others start after a minute."""
    workers: int = 64
    lasts: float = 600

    def limit_at(self, time: float) -> int:
        limit = self.limit
        for since, changed in self.changes:
            if time >= since:
                limit = changed
        return limit


NONE = Headers(on="none")
ON_429 = Headers(on="429")
FAR = Network(1.0, 0.5, 0.2, 8.0, (0.05, 0.15))
DROP_AND_RISE = ((200.0, 50), (400.0, 100))

SCENARIOS = {
    "headers": Scenario("window 100/10 s, headers on every answer"),
    "headers_floor": Scenario("the same, Reset cut off", headers=Headers(reset="floor")),
    "headers_half": Scenario("headers on half of the answers", headers=Headers(share=0.5)),
    "headers_429": Scenario("headers on 429s only", headers=ON_429),
    "headers_noise": Scenario("Remaining off by up to 4", headers=Headers(noise=4)),
    "blind": Scenario("window 100/10 s, no headers", headers=NONE),
    "neighbour": Scenario("a neighbour asks for half, at random", neighbour="steady"),
    "neighbour_burst": Scenario("a neighbour takes half in the first second", neighbour="bursty"),
    "neighbour_blind": Scenario("a neighbour asks for half, no headers", neighbour="steady", headers=NONE),
    "twins": Scenario("two copies of the client, headers", clients=2),
    "twins_blind": Scenario("two copies of the client, no headers", clients=2, headers=NONE),
    "change": Scenario("limit 100, 50, 100; headers", changes=DROP_AND_RISE),
    "change_blind": Scenario("limit 100, 50, 100; no headers", changes=DROP_AND_RISE, headers=NONE),
    "rise_blind": Scenario("limit doubles at 300 s; no headers", changes=((300.0, 200),), headers=NONE),
    "jitter": Scenario("latency 50 to 2,000 ms, headers", network=Jitter()),
    "jitter_blind": Scenario("latency 50 to 2,000 ms, no headers", network=Jitter(), headers=NONE),
    "bucket_blind": Scenario("token bucket 10/s, burst 20, no headers", kind="bucket", headers=NONE),
    "log_blind": Scenario("100 in any 10 s, no headers", kind="log", headers=NONE),
    "few_workers": Scenario("six workers, headers", workers=6),
    "high": Scenario("window 1000/10 s, 256 workers, headers", limit=1000, workers=256),
    "short": Scenario("window 20/1 s, headers", limit=20, period=1),
    "long": Scenario("window 600/60 s, headers", limit=600, period=60, lasts=900),
    "long_blind": Scenario("window 600/60 s, no headers", limit=600, period=60, lasts=900, headers=NONE),
}

# What looks like a calendar-aligned window and is none, and headers that say less, or other things, than they seem to.
BEYOND = {
    "log": Scenario("sliding log 100/10 s", kind="log"),
    "log_long": Scenario("sliding log 240/60 s", limit=240, period=60, kind="log", lasts=900),
    "counter": Scenario("sliding counter 100/10 s", kind="counter"),
    "first": Scenario("window from the first request, 100/10 s", kind="first"),
    "bucket": Scenario("token bucket 10/s, burst 20", kind="bucket"),
    "bucket_full": Scenario("token bucket 10/s, burst 100", kind="bucket", burst=100),
    "reset_period": Scenario("Reset always the period", headers=Headers(reset="period")),
    "reset_zero": Scenario("Reset always 0", headers=Headers(reset="zero")),
    "epoch": Scenario("Reset an epoch in whole seconds", headers=Headers(reset="epoch")),
    "late": Scenario("Remaining 5 answers late", headers=Headers(late=5)),
    "hidden": Scenario("100/10 s told, 6/s not", kind="hidden"),
    "nodes": Scenario("four nodes that count apart", kind="nodes"),
    "gossip": Scenario("three nodes that gossip after a second", kind="nodes", nodes=3, gossip=1.0),
    "daily": Scenario("5,000 a day", limit=5_000, period=86_400, lasts=2 * 86_400),
    "log_429": Scenario("sliding log 240/60 s", limit=240, period=60, kind="log", headers=ON_429, lasts=900),
    "counter_429": Scenario("sliding counter 100/10 s", kind="counter", headers=ON_429),
    "first_429": Scenario(
        "from the first request, 90/60 s", limit=90, period=60, kind="first", headers=ON_429, lasts=900
    ),
    "bucket_429": Scenario("token bucket 10/s, burst 20", kind="bucket", headers=ON_429),
    "hidden_429": Scenario("100/10 s told, 6/s not", kind="hidden", headers=ON_429),
    "nodes_429": Scenario("four nodes that count apart", kind="nodes", headers=ON_429),
    "second_blind": Scenario("window 50/1 s", limit=50, period=1, headers=NONE),
    "large_blind": Scenario("window 5,000/60 s", limit=5_000, period=60, workers=128, headers=NONE),
    "slow_blind": Scenario(
        "window 3,702/60 s, latency 1 s", limit=3_702, period=60, network=FAR, workers=512, headers=NONE, lasts=900
    ),
    "five_short": Scenario("five copies on 50/2 s", limit=50, period=2, clients=5),
    "four": Scenario("four copies on 200/10 s", limit=200, clients=4),
    "twins_200_blind": Scenario("two copies on 200/10 s", limit=200, clients=2, headers=NONE),
    "four_blind": Scenario("four copies on 200/10 s", limit=200, clients=4, headers=NONE),
    "eight_blind": Scenario("eight copies on 200/10 s", limit=200, clients=8, headers=NONE, lasts=900),
}
