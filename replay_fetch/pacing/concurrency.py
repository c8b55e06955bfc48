"""The concurrency brake: how many requests may be on their way at once, by the faults of the server."""

from __future__ import annotations

from replay_fetch.pacing.policy import Sent

# A cut is felt at once and regained in some ten answers per slot, so that a server that is overloaded
# at ten requests refuses about one in thirty.
CUT = 0.7
GAIN = 0.1
# Answers over which the share of faults is averaged.
LATEST = 40
# Share of faults that brakes nobody: one in forty, and no more.
FEW = 0.03
# Answers, while few slots are in use, from which the server's own share of faults is learned.
SAMPLE = 40
# Slots that overload nobody.
LOW = 2
# Share of faults up to which half of the slots would overload nobody either: a server that is asked for
# 1 / (1 - 0.4) of its capacity is then asked for five sixths of it.
OVERLOAD = 0.4
# Times its own share of faults at which a server is taken for overloaded again.
WORSE = 2.0
# Answers in which a share of faults that is not met any more is forgotten.
FORGET = 400


class Concurrency:
    """Counts the slots in use: a fault cuts the number of slots, every sound answer regains a part of a slot.

    Timeouts, resets and 5xx say that the server is ill, not that the limit is reached: 429s never touch the brake. A
    cut counts once per episode: faults of requests that left before the last cut are the same illness.

    Only faults that fewer requests would spare are worth slowing down for. So where a server goes on failing while it
    is asked half as many at a time, or two, that share of faults is its own, and no cut is made for it: a quarter of
    503s once left a single slot in use, and a third of the rate.
    """

    def __init__(self, ceiling: int) -> None:
        self.last = ceiling
        """The send number of the last request that there is a slot for."""
        self._ceiling = ceiling
        self._slots = float(ceiling)
        self._last_cut = float("-inf")
        self._share = self._own = 0.0
        """Share of faults among the latest answers; and of faults that come at any number of slots."""
        self._few = float(LOW)
        """Slots that are few enough to learn the server's own share of faults."""
        self._sampled = self._faults = 0
        """Answers, and faults, while no more were in use."""

    @property
    def limit(self) -> int:
        """Requests that may be on their way at once: at least 1, so that a dead API is asked one at a time."""
        return int(self._slots)

    def in_use(self, latest: int) -> int:
        """Requests on their way, by the number of the latest send."""
        return latest - self.last + self.limit

    def answered(self) -> None:
        """Take in a sound answer: its slot is free, and a part of another slot is regained."""
        self.last += 1
        self._share -= self._share / LATEST
        if self._share < self._own:
            self._own += (self._share - self._own) / FORGET
        if self._slots < self._ceiling:
            self._sample(fault=0)
            self._change(min(self._ceiling, self._slots + GAIN))

    def released(self) -> None:
        """Free the slot of a request that says nothing of the server's health: a 429, or a cancelled request."""
        self.last += 1

    def fault(self, now: float, sent: Sent) -> None:
        """Take in a fault: its slot is free, and the slots are cut unless the server fails that often by itself."""
        self.last += 1
        self._share += (1 - self._share) / LATEST
        self._sample(fault=1)
        if sent.at > self._last_cut and self._share > WORSE * self._own + FEW:
            if self._share <= OVERLOAD:
                self._few = max(self._few, self._slots / 2)
            self._change(max(1.0, self._slots * CUT))
            self._last_cut = now

    def _sample(self, fault: int) -> None:
        # Learns how often the server fails by itself.
        if self.limit > self._few:
            self._sampled = self._faults = 0
            return
        self._sampled += 1
        self._faults += fault
        if self._sampled == SAMPLE:
            share = self._faults / SAMPLE
            if share <= OVERLOAD or self._few == LOW:
                self._own = max(self._own, share)
            self._few = LOW
            self._sampled = self._faults = 0

    def _change(self, slots: float) -> None:
        self.last += int(slots) - self.limit
        self._slots = slots
