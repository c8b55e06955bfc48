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
    """``window``, ``bucket`` (refilled at limit / period) or ``log``."""
    burst: float = 20
    """Tokens that a bucket saves up."""
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
DROP_AND_RISE = ((200.0, 50), (400.0, 100))

SCENARIOS = {
    "headers": Scenario("window 100/10 s, headers on every answer"),
    "headers_floor": Scenario("the same, Reset cut off", headers=Headers(rounding="floor")),
    "headers_half": Scenario("headers on half of the answers", headers=Headers(share=0.5)),
    "headers_429": Scenario("headers on 429s only", headers=Headers(on="429")),
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
    "bucket_blind": Scenario("token bucket 10/s, burst 20, no headers", kind="bucket"),
    "log_blind": Scenario("100 in any 10 s, no headers", kind="log"),
    "few_workers": Scenario("six workers, headers", workers=6),
    "high": Scenario("window 1000/10 s, 256 workers, headers", limit=1000, workers=256),
    "short": Scenario("window 20/1 s, headers", limit=20, period=1),
    "long": Scenario("window 600/60 s, headers", limit=600, period=60, lasts=900),
    "long_blind": Scenario("window 600/60 s, no headers", limit=600, period=60, lasts=900, headers=NONE),
}
