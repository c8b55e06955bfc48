"""Windows that no header describes: when the next ends, and how many requests to spend in each."""

from __future__ import annotations

import math

from replay_fetch.pacing.policy import Sent
from replay_fetch.pacing.window_detector import Interval

# Requests between two attempts to get more, for each 429 that an attempt costs, where a window takes the usual: 0.8 %
# of all. Elsewhere it goes with the square root of the window, as the attempt itself does. In proportion, the larger
# of two copies asked for more, and more often, and one of four ended with 0.4 of another's share.
PRICE, USUAL = 120, 100
# Requests a window below which an attempt is put off no further: so few may be all that a neighbour left.
SMALL = 10
# While windows disagree on how much they take: a share of the price, at most so many windows, at least so many seconds.
DOUBTFUL_PRICE, DOUBTFUL_WINDOWS, SOONEST = 0.25, 4, 10.0
# 429s of an attempt: the request that finds the limit and a probe; the weight of the latest attempt.
USUAL_COST, SMOOTHING = 2.0, 0.3
# An attempt asks for so many square roots more, 2 % of the usual; where a window takes them, the next attempts ask for
# four and sixteen times as much, up to twice the window.
FIRST_EXTRA, EXTRA_GROWTH, REBASE = 0.2, 4.0, 2.0
# Two windows took the same when they differ by no more requests than this, or by this share.
SAME, SAME_SHARE = 1.5, 0.02
# Share kept, and square roots won back each window, where a neighbour runs a window out: of two copies that both do
# so the larger yields more and regains relatively less, until they are equal.
YIELDED, REGAINED = 0.9, 0.5

FASTEST = 2.0  # times the even pace; see ``WindowPolicy``
AFTER = 1e-6  # past the edge by so many seconds, as there
# Gaps between the last request of a window and its end. Where several copies overdraw a window a little, only those
# that send closest behind each other are then refused: the largest. With none, every copy had a request at the very
# end, all lost one, and the smallest of eight starved: least ÷ most 0.24, with half a gap 0.64. A whole gap makes it
# 0.67 and costs 0.2 % more of 429s.
LAST_GAP = 0.5


class InferredQuota:
    """Requests to spend in a window: as many as the last window that ran out took from us, counted exactly.

    Now and then an attempt asks for more. A window that runs out without an attempt was run out by a neighbour: then
    part of the quota is yielded, and won back window by window.
    """

    def __init__(self, takes: float, period: float) -> None:
        self.takes = max(1.0, takes)
        self._period = period
        # Windows spent to their last request since a window ran out.
        self._full = 0
        self._agreed = self._shared = False
        self._cost = USUAL_COST
        self.requests = self._granted()
        """Requests for the present window, with the attempt or with the part won back."""

    def _granted(self) -> int:
        # Kept in ``requests``: it changes with a window alone, and is read several times for each request.
        if self._shared:
            return int(self.takes + self._full * REGAINED * math.sqrt(self.takes))
        attempt = self._full - self._patience
        if attempt < 0:
            return int(self.takes)
        return int(self.takes + max(1.0, FIRST_EXTRA * math.sqrt(self.takes) * EXTRA_GROWTH**attempt))

    def window_over(self, used: int) -> None:
        """Take in a window that did not run out; only a window ``used`` to the last request proves anything."""
        requests = self.requests
        self._full += used >= int(self.takes)
        # Twice as much was granted: the limit was raised, and attempts go on from there without patience.
        if requests >= REBASE * self.takes:
            self.takes, self._full = float(requests), self._patience
        self.requests = self._granted()

    def ran_out(self, took: int, rejected: int, blur: float) -> None:
        """Take in a window that ran out after ``took`` requests, give or take ``blur``, with ``rejected`` 429s."""
        blur = max(blur, min(SAME, 0.2 * self.takes), SAME_SHARE * self.takes)
        # A neighbour ran the window out where it took clearly less than before though we asked for no more.
        self._agreed = abs(took - self.takes) <= blur
        self._shared = took < self.takes - blur and self._granted() <= int(self.takes)
        self.takes = max(1.0, took * (YIELDED if self._shared else 1.0))
        self._full = 0
        self._cost += SMOOTHING * (rejected - self._cost)
        self.requests = self._granted()

    @property
    def _patience(self) -> int:
        # Full windows before the next attempt.
        price = PRICE * self._cost / math.sqrt(USUAL * max(self.takes, SMALL))
        if self._agreed:
            return math.ceil(price)
        soon = min(math.ceil(DOUBTFUL_PRICE * price), DOUBTFUL_WINDOWS)
        return max(soon, math.ceil(SOONEST / self._period))


class InferredWindow:
    """Spends the quota of one window after another, evenly, by the rhythm of a limit that no header describes.

    Windows are told apart by the middle of where their edge may be: spread evenly, requests near the edge count the
    same on either side.
    """

    def __init__(self, period: float, quota: InferredQuota) -> None:
        self.period = period
        self.quota = quota
        self._edge = Interval(0.0, 0.0)
        self._first = self._latest = Sent(0, 0.0)
        self._rejected: list[Sent] = []

    @property
    def rate(self) -> float:
        """Requests a second, on average over the whole window."""
        return self.quota.requests / self.period

    @property
    def left(self) -> int:
        """Requests that may still leave in the present window, of the quota, an attempt to get more included."""
        return max(0, self.quota.requests - self._used)

    def opened(self, edge: Interval, probe: Sent) -> None:
        """Begin a window with an accepted probe; ``edge`` is the interval in which the window ends."""
        if self._rejected:
            # Exact, by send numbers: all that left in the window less all that was refused, in flight or not.
            took = self._used - sum(self._holds(sent) for sent in self._rejected)
            self.quota.ran_out(took, len(self._rejected), blur=self._edge.width * self.rate)
            self._rejected.clear()
        self._edge, self._first, self._latest = edge, probe, probe

    def ready_at(self, now: float) -> float:
        """When the next request may go: evenly over the rest of the window, or at the end of a spent window."""
        self._roll(now)
        left = self.left
        if left == 0:
            return self._edge.centre + AFTER
        pace = (left + LAST_GAP) / max(self._edge.centre - now, 1e-3)
        return max(now, self._latest.at + 1 / min(pace, FASTEST * self.rate))

    def sent(self, sent: Sent) -> None:
        """Count a request in the window of its time; the window before is over where the time is beyond the edge."""
        self._roll(sent.at)
        self._latest = sent

    def ran_out(self, sent: Sent) -> bool:
        """Take in a 429; False where the request is a straggler of the window before.

        A request may have left so soon after the edge that the server was still before the edge: the gate shuts for the
        429, but the window has not run out.
        """
        if not self._holds(sent):
            return False
        if sent.at > self._edge.late - self.period:
            self._rejected.append(sent)
        return True

    def still_out(self, sent: Sent) -> None:
        """Take in another 429 behind the shut gate: where the window ran out, the attempt has cost one more."""
        if self._rejected:
            self._rejected.append(sent)

    @property
    def _used(self) -> int:
        return self._latest.number - self._first.number + 1

    def _holds(self, sent: Sent) -> bool:
        return self._first.number <= sent.number <= self._latest.number

    def _roll(self, now: float) -> None:
        if now < self._edge.centre:
            return
        self.quota.window_over(self._used)
        windows = 1 + (now - self._edge.centre) // self.period
        self._edge = self._edge.shifted(windows * self.period)
        # By send number: requests in flight over the edge stay in the window in which they left.
        self._first = Sent(self._latest.number + 1, now)
