"""The policy of one endpoint: by windows while headers describe them, blind while they do not."""

from __future__ import annotations

from replay_fetch.model import RateLimit
from replay_fetch.pacing.blind_policy import BlindPolicy
from replay_fetch.pacing.policy import Sent, State
from replay_fetch.pacing.reading import Reader, Reading
from replay_fetch.pacing.short_window_policy import SHORT, ShortWindowPolicy
from replay_fetch.pacing.window_policy import WindowPolicy

# A limit is forgotten after so many accepted answers in a row that do not name it, and two of its
# periods: servers that describe only half of their answers leave gaps, but not such.
SILENT_ANSWERS, SILENT_PERIODS = 20, 2


class _Named:
    """One limit by its name: its policy, and for how long nothing was heard of it."""

    def __init__(self, policy: WindowPolicy | ShortWindowPolicy, now: float) -> None:
        self.policy = policy
        self.heard_at = now
        self.silent = 0

    def gone(self, now: float) -> bool:
        """True where answers have stopped naming it."""
        return self.silent >= SILENT_ANSWERS and now - self.heard_at > SILENT_PERIODS * self.policy.period


class AdaptivePolicy:
    """One window policy for each limit that accepted answers name; all of them must allow a request.

    Until one is named, and again when none is any more, the blind policy decides. Headers that come
    with 429s only are a hint to it: they describe a window when it is over.
    """

    def __init__(self) -> None:
        self._limits: dict[str, _Named] = {}
        self._readers: dict[str, Reader] = {}
        self._blind = BlindPolicy(0.0)
        self._latest = Sent(0, 0.0)

    def ready_at(self, now: float) -> float | None:
        """When all of them allow the next request."""
        if not self._limits:
            return self._blind.ready_at(now)
        return max(limit.policy.ready_at(now) for limit in self._limits.values())

    def sent(self, sent: Sent) -> None:
        """Every limit counts it: which ones it falls under is only known from its answer."""
        self._latest = sent
        for limit in self._limits.values():
            limit.policy.sent(sent)
        if not self._limits:
            self._blind.sent(sent)

    def answered(self, now: float, sent: Sent, rate_limit: RateLimit | None, *, accepted: bool) -> None:
        """Headers go to the limit they name; a 429 without any concerns all."""
        rate_limit = rate_limit or RateLimit()
        reading = self._readers.setdefault(rate_limit.name, Reader()).read(rate_limit)
        if accepted:
            self._forget(now, None if reading is None else rate_limit.name)
        if reading is not None and (accepted or self._limits or reading.period < SHORT):
            self._named(now, rate_limit.name, reading).answered(now, sent, reading, accepted=accepted)
        elif not self._limits:
            if reading is not None:
                self._blind.told(now, sent, reading)
            self._blind.answered(now, sent, rate_limit, accepted=accepted)
        elif not accepted:
            for limit in self._limits.values():
                limit.policy.rejected_without_headers(now)

    def lost(self, now: float, sent: Sent) -> None:
        """Only a lost probe matters: a window goes on counting it as spent."""
        self._blind.lost(now, sent)

    def state(self, now: float) -> State:
        """That of the limit that holds requests back longest."""
        if not self._limits:
            return self._blind.state(now)
        return max((limit.policy for limit in self._limits.values()), key=lambda it: it.ready_at(now)).state(now)

    def _named(self, now: float, name: str, reading: Reading) -> WindowPolicy | ShortWindowPolicy:
        limit = self._limits.get(name)
        if limit is None or limit.policy.period != reading.period:
            kind = ShortWindowPolicy if reading.period < SHORT else WindowPolicy
            limit = self._limits[name] = _Named(kind(reading.period, self._latest), now)
        limit.heard_at, limit.silent = now, 0
        return limit.policy

    def _forget(self, now: float, named: str | None) -> None:
        """Drops limits that answers have stopped naming; with the last one the policy goes blind."""
        for name, limit in list(self._limits.items()):
            limit.silent += name != named
            if limit.gone(now):
                del self._limits[name]
                self._blind = BlindPolicy(now, limit.policy.limit / limit.policy.period)
