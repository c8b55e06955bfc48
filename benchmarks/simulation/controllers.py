"""What stands between workers and the server: ours, as it is in the package, and what peers must do."""

from __future__ import annotations

import random
from typing import Protocol

from replay_fetch.model import RateLimit
from replay_fetch.pacing.adaptive import AdaptivePolicy
from replay_fetch.pacing.policy import Sent


class Controller(Protocol):
    """Shared by the workers of one client."""

    def may_send(self, in_flight: int) -> bool:
        """False while enough requests are under way."""

    def ready_at(self, now: float) -> float | None:
        """When the next request may leave; None: not before an answer."""

    def sent(self, sent: Sent) -> None:
        """One leaves now."""

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:
        """An answer came; returns how long its worker sleeps before it is of use again."""


class Reply:
    """An answer as a controller sees it."""

    __slots__ = ("accepted", "attempt", "rate_limit")

    def __init__(self, rate_limit: RateLimit | None, *, accepted: bool, attempt: int) -> None:
        self.rate_limit, self.accepted, self.attempt = rate_limit, accepted, attempt


class Peer:
    """A controller that does nothing; the peers override what they do."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def may_send(self, in_flight: int) -> bool:  # noqa: ARG002 - for those that limit it
        return True

    def ready_at(self, now: float) -> float | None:
        return now

    def sent(self, sent: Sent) -> None:
        pass

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:  # noqa: ARG002 - for those that listen
        return 0.0


class Ours(Peer):
    """The package's policy."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.policy = AdaptivePolicy()

    def ready_at(self, now: float) -> float | None:
        return self.policy.ready_at(now)

    def sent(self, sent: Sent) -> None:
        self.policy.sent(sent)

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:
        self.policy.answered(now, sent, answer.rate_limit, accepted=answer.accepted)
        return 0.0
