"""One shared rate, moved by every answer."""

from __future__ import annotations

import random

from benchmarks.simulation.controllers import Peer, Reply
from replay_fetch.pacing.policy import Sent


class Paced(Peer):
    """One request every 1 / rate seconds."""

    rate = 5.0

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.next = 0.0

    def ready_at(self, now: float) -> float | None:
        return max(now, self.next)

    def sent(self, sent: Sent) -> None:
        self.next = max(sent.at, self.next) + 1 / self.rate


class Aimd(Paced):
    """Half a request a second more each second, halved by a 429 at most once a second."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._raised_at = 0.0
        self._cut_at = float("-inf")

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:  # noqa: ARG002 - it only counts
        if answer.accepted:
            self.rate += 0.5 * (now - self._raised_at)
        elif now - self._cut_at >= 1:
            self.rate, self._cut_at = max(0.5, self.rate / 2), now
            self.next = max(self.next, now + 1 / self.rate)
        self._raised_at = now
        return 0.0


class NaiveHeaders(Paced):
    """Each answer sets the interval to reset / remaining, and the pause to reset where nothing remains."""

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:  # noqa: ARG002 - it has no memory
        headers = answer.rate_limit
        if headers is None or headers.remaining is None or headers.reset is None:
            return 0.0 if answer.accepted else max(0.01, self.rng.uniform(0, min(60.0, 2.0**answer.attempt)))
        if headers.remaining > 0:
            self.rate = max(0.1, headers.remaining / max(0.5, headers.reset))
        else:
            self.next = max(self.next, now + headers.reset)
        return 0.0
