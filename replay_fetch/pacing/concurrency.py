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

    Timeouts, resets and 5xx say that the server is ill, and nothing of the limit: 429s never touch the brake. A cut
    counts once per episode: faults of requests that left before the last cut are the same illness.

    Only faults that fewer requests would spare are worth slowing down for. So where a server goes on failing with half
    as many requests at a time, or two, the share of faults is the server's own, and costs no slots: a quarter of 503s
    once left a single slot in use, and a third of the rate.
    """

    def __init__(self, ceiling: int) -> None:
        self.last = ceiling
        """The send number of the last request that there is a slot for."""
        self._ceiling = ceiling
        self._slots = float(ceiling)
        self._last_cut = float("-inf")
        # Share of faults among the latest answers; and of faults that come at any number of slots.
        self._share = self._own = 0.0
        # Slots that are few enough to learn the server's own share of faults.
        self._few = float(LOW)
        # Answers, and faults, while no more were in use.
        self._sampled = self._faults = 0

    @property
    def limit(self) -> int:
        """Requests allowed on their way at once: at least 1, so a dead API is asked with single requests."""
        return int(self._slots)

    def in_use(self, latest: int) -> int:
        """Requests on their way, given the number of the latest send: all sends less the slots that were given back."""
        return latest - self.last + self.limit

    def answered(self) -> None:
        """Take in a sound answer: the slot is free, and a part of another slot is regained, up to the ceiling."""
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
        """Take in a fault: the slot is free, and slots are cut unless the server fails as often by itself."""
        self.last += 1
        self._share += (1 - self._share) / LATEST
        self._sample(fault=1)
        # Faults up to twice the server's own share, and one in forty at any time, say nothing new.
        if sent.at > self._last_cut and self._share > WORSE * self._own + FEW:
            # So mild an overload is gone with half of the slots: whatever still fails there, fails by itself.
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
            # Beyond that share half of the slots may still overload the server: only two slots prove anything.
            if share <= OVERLOAD or self._few == LOW:
                self._own = max(self._own, share)
            self._few = LOW
            self._sampled = self._faults = 0

    def _change(self, slots: float) -> None:
        self.last += int(slots) - self.limit
        self._slots = slots
