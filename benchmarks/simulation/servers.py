"""Limited servers: what they accept, what their headers say, and how much they offer."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from replay_fetch.model import RateLimit
from replay_fetch.simulator.limits import Taken


class Verdict(NamedTuple):
    """What the server does with one request; no headers where it sends none."""

    accepted: bool
    headers: RateLimit | None


class Limiter(Protocol):
    """One limit, as `replay_fetch.simulator.limits` has them."""

    limit: int

    def take(self, now: float) -> Taken:
        """Judge a request that arrives now; times never decrease."""


@dataclass(frozen=True)
class Headers:
    """Which answers carry rate-limit headers, and how exact these are."""

    on: str = "all"
    """``all``, ``429`` or ``none``."""
    share: float = 1.0
    """Of those answers, how many really do."""
    reset: str = "ceil"
    """``ceil`` or ``floor``; ``period`` or ``zero``, whatever is left; ``epoch``: the second at which the window is
    over, by a clock from which the client takes the time of the answer."""
    noise: int = 0
    """``Remaining`` is off by up to so many requests."""
    late: int = 0
    """``Remaining`` is that of so many answers before."""


class Server:
    """Counts requests as they arrive at a limiter whose windows, if any, begin at ``phase``."""

    def __init__(self, limiter: Limiter, limit_at: Callable[[float], int], period: float, phase: float) -> None:
        self.period, self.phase = period, phase
        self.limiter = limiter
        self._limit_at = limit_at
        self._headers = Headers()
        self._rng = random.Random()
        self._remained: deque[int] = deque()

    def tell(self, headers: Headers, rng: random.Random) -> None:
        """Send such headers; ``rng`` draws their noise."""
        self._headers, self._rng = headers, rng
        self._remained = deque(maxlen=headers.late + 1)

    def count(self, now: float) -> Verdict:
        """Judge a request that arrives now; times never decrease."""
        self.limiter.limit = self._limit_at(now)
        taken = self.limiter.take(now - self.phase)
        told = self._headers
        self._remained.append(taken.remaining)
        silent = told.on == "none" or (told.on == "429" and taken.accepted)
        if silent or (told.share < 1 and self._rng.random() >= told.share):
            return Verdict(taken.accepted, None)
        return Verdict(taken.accepted, self._describe(now, taken))

    def _describe(self, now: float, taken: Taken) -> RateLimit:
        told, limit = self._headers, self.limiter.limit
        remaining = self._remained[0]
        if told.noise and remaining:
            remaining += self._rng.randint(-told.noise, told.noise)
            remaining = max(0, min(limit, remaining))
        reset = {
            "ceil": math.ceil(taken.reset),
            "floor": math.floor(taken.reset),
            "period": self.period,
            "zero": 0.0,
            "epoch": math.ceil(now + taken.reset),
        }[told.reset]
        return RateLimit(limit, self.period, remaining, reset, absolute=told.reset == "epoch")

    def offered(self, until: float) -> float:
        """Requests that it would accept in [0, until], evenly spread."""
        step = self.period / 20  # fine enough for a limit that changes inside a window
        steps = math.ceil(until / step)
        return sum(self._limit_at((i + 0.5) * until / steps) for i in range(steps)) * until / steps / self.period


class Hidden:
    """A limit that headers tell of, and a second one that nobody announces; a request needs both."""

    def __init__(self, told: Limiter, hidden: Limiter) -> None:
        self._told, self._hidden = told, hidden
        self.limit = told.limit
        self._left = Taken(accepted=True, remaining=told.limit, reset=0.0)

    def take(self, now: float) -> Taken:
        self._told.limit = self.limit
        if self._hidden.take(now).accepted:
            self._left = self._told.take(now)
            return self._left
        return self._left._replace(accepted=False)


class Nodes:
    """Counters on several nodes, one of which a request meets by chance; each has its share of the limit.

    With ``gossip`` they tell each other what they counted so many seconds ago, and each has the whole of it.
    """

    def __init__(self, nodes: Sequence[Limiter], rng: random.Random, gossip: float = 0.0) -> None:
        self._nodes, self._rng, self._gossip = nodes, rng, gossip
        self.limit = sum(node.limit for node in nodes)
        self._news: deque[tuple[float, Limiter]] = deque()

    def take(self, now: float) -> Taken:
        share = self.limit if self._gossip else max(1, self.limit // len(self._nodes))
        for node in self._nodes:
            node.limit = share
        while self._news and self._news[0][0] <= now - self._gossip:
            _, teller = self._news.popleft()
            for node in self._nodes:
                if node is not teller:
                    node.take(now)
        node = self._rng.choice(self._nodes)
        taken = node.take(now)
        if self._gossip and taken.accepted:
            self._news.append((now, node))
        return taken
