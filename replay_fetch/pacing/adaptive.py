"""The policy of an endpoint: by the limits in its headers, and by 429s alone while no header names a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from replay_fetch.model import RateLimit
from replay_fetch.pacing.headerless import HeaderlessPolicy
from replay_fetch.pacing.named_policy import NamedPolicy
from replay_fetch.pacing.policy import Reader, Reading, Sent, State

# A limit is forgotten after so many accepted answers in a row that do not name it, and two of its
# periods: servers that describe only half of their answers leave gaps, but not such.
SILENT_ANSWERS, SILENT_PERIODS = 20, 2
# So many are remembered, in case a server names a new one with every answer; enough for whichever makes
# room for another to have been silent for as long.
MOST_LIMITS = 32


class _Limit:
    """A limit by name: the policy, once headers describe a period, and the answers in a row without the name."""

    def __init__(self) -> None:
        self.reader = Reader()
        self.policy: NamedPolicy | None = None
        self.heard_at = 0.0
        self.silent = 0


def _order(rate_limit: RateLimit, reading: Reading) -> RateLimit:
    # A 429 whose headers name no limit or no period orders how long to wait, and says nothing else.
    reset = reading.reset if reading.remaining == 0 else None
    return RateLimit(retry_after=reset if rate_limit.retry_after is None else rate_limit.retry_after)


class _All:
    """Several limits at once: a request goes when all limits allow a request, and counts under every limit."""

    def __init__(self, policies: Sequence[NamedPolicy]) -> None:
        self._policies = policies

    def ready_at(self, now: float) -> float:
        return max(policy.ready_at(now) for policy in self._policies)

    def sent(self, sent: Sent) -> None:
        for policy in self._policies:
            policy.sent(sent)

    def state(self, now: float) -> State:
        state = max(self._policies, key=lambda policy: policy.ready_at(now)).state(now)
        return replace(state, limiter="several", why=f"answers name {len(self._policies)} limits")


class AdaptivePolicy:
    """Paces an endpoint: a policy for each limit named by accepted answers; all must allow a request.

    Until headers name a limit, and again when none is named any more, the headerless policy decides. Of a limit named
    by 429s alone nothing is known between two 429s: the pace is even, and silence never makes it forgotten.
    """

    def __init__(self) -> None:
        self._limits: dict[str, _Limit] = {}
        # The limits that have a policy.
        self._named: list[_Limit] = []
        self._headerless = HeaderlessPolicy(0.0)
        self._decides: NamedPolicy | _All | HeaderlessPolicy = self._headerless
        self._latest = Sent(0, 0.0)

    def ready_at(self, now: float) -> float | None:
        """When all limits allow the next request; None means not before an answer, with the headerless gate shut."""
        return self._decides.ready_at(now)

    def sent(self, sent: Sent) -> None:
        """Count a request under every limit: only the answer will say under which limits the request falls."""
        self._latest = sent
        self._decides.sent(sent)

    def answered(self, now: float, sent: Sent, rate_limit: RateLimit | None, *, accepted: bool) -> None:
        """Hand the headers of an answer to the limit named there; a 429 without headers concerns all limits."""
        if rate_limit is None:
            self._unnamed(now, sent, None, accepted=accepted)
            return
        limit = self._limits.get(rate_limit.name) or self._meet(now, rate_limit.name)
        reading = limit.reader.read(rate_limit)
        if reading is None:
            self._unnamed(now, sent, rate_limit, accepted=accepted)
            return
        # On the hot path, with a single limit that every answer names, the next two branches cost one comparison.
        policy = limit.policy
        if policy is not self._decides or limit.silent:  # else it is the only one, and never silent
            if accepted:
                self._forget_silent(now, sent, limit)
            elif policy is None and not (rate_limit.period and rate_limit.limit):
                self._unnamed(now, sent, _order(rate_limit, reading), accepted=False)
                return
            limit.silent = 0
        # A new period is another window: nothing learned of the old edges holds. The first accepted answer with
        # headers begins anew as well, for only now can windows be followed.
        if policy is None or policy.period != reading.period or (accepted and policy.on_429s):
            policy = self._begin(limit, reading, on_429s=not accepted and (policy is None or policy.on_429s))
        limit.heard_at = now
        policy.answered(now, sent, reading, accepted=accepted)

    def lost(self, now: float, sent: Sent) -> None:
        """Take in a lost request: only the headerless gate waits for a probe; windows count lost requests as spent."""
        self._headerless.lost(now, sent)

    def state(self, now: float) -> State:
        """The state at ``now`` of the limit that holds requests back longest; ``several`` where there are more."""
        return self._decides.state(now)

    def _unnamed(self, now: float, sent: Sent, rate_limit: RateLimit | None, *, accepted: bool) -> None:
        # An answer that describes no limit.
        if accepted:
            self._forget_silent(now, sent, None)
        if self._decides is self._headerless:
            self._headerless.answered(now, sent, rate_limit, accepted=accepted)
        elif not accepted:
            # Some limit refused the request, and nothing says which: all pause for a moment.
            for policy in self._policies():
                policy.rejected_without_headers(now, sent)

    def _meet(self, now: float, name: str) -> _Limit:
        # A limit that was not named before; of too many, the one unheard of for longest makes room.
        if len(self._limits) >= MOST_LIMITS:
            unheard_of = min(self._limits, key=lambda each: self._limits[each].heard_at)
            self._forget(now, self._limits.pop(unheard_of))
        limit = self._limits[name] = _Limit()
        return limit

    def _begin(self, limit: _Limit, reading: Reading, *, on_429s: bool) -> NamedPolicy:
        if limit.policy is None:
            self._named.append(limit)
        policy = limit.policy = NamedPolicy(reading.period, self._latest, on_429s=on_429s)
        self._decide()
        return policy

    def _forget_silent(self, now: float, sent: Sent, heard: _Limit | None) -> None:
        # Drops limits that answers have stopped naming; behind the last of them the headerless policy decides.
        for limit in self._named.copy():
            policy = limit.policy
            if policy and policy.on_429s:
                policy.accepted_without_headers(sent)
                continue
            limit.silent += limit is not heard
            if policy and limit.silent >= SILENT_ANSWERS and now - limit.heard_at > SILENT_PERIODS * policy.period:
                self._forget(now, limit)

    def _forget(self, now: float, limit: _Limit) -> None:
        if limit.policy:
            # Starts at the rate that headers named last: a search from 5/s would take a minute to be back.
            self._headerless = HeaderlessPolicy(now, limit.policy.limit / limit.policy.period)
            self._named.remove(limit)
            limit.policy = None
            self._decide()

    def _decide(self) -> None:
        policies = self._policies()
        if len(policies) > 1:
            self._decides = _All(policies)
        else:
            self._decides = policies[0] if policies else self._headerless

    def _policies(self) -> list[NamedPolicy]:
        return [limit.policy for limit in self._named if limit.policy]
