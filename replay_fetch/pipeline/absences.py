"""Views that are not there, held until the API is seen to be well on both sides of that answer.

A 404, or an answer without a body, can come from any box on the way, for the while of a moment or of an hour.
What it says of a view becomes final between two sound answers to other views, its witnesses.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct
from msgspec.structs import replace

from replay_fetch.archive import ViewEnded
from replay_fetch.model import Outcome, PlannedView

# Of a fifth of all views that are gone, so many come in a row once in 10^14 views: then a witness is asked.
LONG = 20
# Seconds between two witnesses. Behind a slow limit a few answers take longer: those are no spell.
SHORTLY = 60.0
FEW = 3
_OVERDUE = SHORTLY / 2
# Seconds between two witnesses that are asked while the first one fails.
_BETWEEN_TRIALS = 1.0
# Held at once, with a kilobyte each; a run in which everything is gone has millions.
MOST = 1000
# Times that a view is asked for again before it is left to the next run.
_AGAIN = 2
SECOND_ASK = 60
"""Seconds behind the first ask from which a second one that agrees counts by itself."""


class _Held(Struct, gc=False):
    ended: ViewEnded
    again: int
    """How often it was asked for again."""


class Absences:
    """Decides on views that are not there; told the time (seconds), does no I/O.

    A stretch of them is as long as no witness speaks. They become final where witnesses stand on both sides of
    it, shortly one after the other. Where the one before is lacking (a run begins), where a witness
    failed meanwhile, or where too much time went by, the views are asked for again. Before a second ask
    stands the witness that ended the first stretch, so its own stretch decides.
    """

    def __init__(self, most: int = MOST) -> None:
        self.ready: deque[ViewEnded] = deque()
        """Decided."""
        self.seen_well = False
        """Something was there in this run."""
        self._most = most
        self._held: deque[_Held] = deque()
        self._again: deque[_Held] = deque()
        """To be asked for once more."""
        self._asked_again: dict[int, int] = {}
        self._well_at = float("-inf")
        self._ill = False
        self._count = 0
        """Views not there since the last witness."""
        self._patience = LONG
        self._not_before = float("-inf")

    def __len__(self) -> int:
        """How many are held in the stretch that goes on."""
        return len(self._held)

    @property
    def waiting(self) -> int:
        """How many are to be asked for again."""
        return len(self._again)

    @property
    def first(self) -> ViewEnded | None:
        """The first that is held."""
        return self._held[0].ended if self._held else None

    def asked_before(self, planned: PlannedView) -> bool:
        """True of a view that this run asks for again."""
        return planned.row in self._asked_again

    def note(self, ended: ViewEnded) -> None:
        """A view is not there."""
        self._held.append(_Held(ended, self._asked_again.pop(ended.planned.row, 0)))
        self._count += 1
        if len(self._held) > self._most:
            self.ready.append(unconfirmed(self._held.popleft().ended))

    def next_again(self) -> PlannedView | None:
        """A view that is to be asked for once more, if there is one."""
        if not self._again:
            return None
        held = self._again.popleft()
        self._asked_again[held.ended.planned.row] = held.again + 1
        return held.ended.planned

    def settled(self, planned: PlannedView) -> None:
        """A view that was asked for again is there, or ended in another way."""
        self._asked_again.pop(planned.row, None)

    def well(self, now: float) -> None:
        """A witness speaks: the API is well. The stretch ends."""
        if self._held:
            shortly = now - self._well_at <= SHORTLY or len(self._held) <= FEW
            for held in self._held:
                self._decide(held, shortly=shortly)
            self._held.clear()
            self._count, self._patience = 0, LONG
        self.seen_well, self._ill, self._well_at = True, False, now

    def ill(self, now: float) -> None:
        """A witness failed: nothing that was said since the last one counts."""
        self._ill, self._not_before = True, now + _BETWEEN_TRIALS

    def nobody_knows(self) -> None:
        """There was nobody to ask; that is tried again when ten times as many are not there."""
        self._patience *= 10

    def wants_witness(self, now: float) -> bool:
        """True where the stretch has become so long that a witness should be asked."""
        if not self._held or now < self._not_before:
            return False
        overdue = self.seen_well and len(self._held) >= FEW and self.lasts(now) >= _OVERDUE
        return self._count >= self._patience or overdue

    def lasts(self, now: float) -> float:
        """Seconds since the last witness."""
        return now - self._well_at

    def release(self, *, others_are_there: bool) -> None:
        """Decide on everything that is left without a witness, at the end of a run.

        A second ask that agrees is enough where ``others_are_there``: views of the list that are or were.
        """
        for held in self._held:
            agrees = others_are_there and not self._ill and _is_second(held.ended)
            self.ready.append(held.ended if agrees else unconfirmed(held.ended))
        self.ready.extend(unconfirmed(held.ended) for held in self._again)
        self._held.clear()
        self._again.clear()

    def _decide(self, held: _Held, *, shortly: bool) -> None:
        second = held.again > 0 or _is_second(held.ended)
        if not self._ill and ((self.seen_well and shortly) or second):
            self.ready.append(held.ended)
        elif held.again < _AGAIN:
            self._again.append(held)
        else:
            self.ready.append(unconfirmed(held.ended))


def unconfirmed(ended: ViewEnded) -> ViewEnded:
    """The view as one that may be there all the same."""
    said = ended.reason or "the answer has no body"
    reason = f"{said}; not confirmed: the API was not seen to be well before and after"
    return replace(ended, outcome=Outcome.UNCONFIRMED, reason=reason)


def _is_second(ended: ViewEnded) -> bool:
    """True where an earlier run heard the same, long enough ago."""
    earlier = ended.planned.earlier
    if earlier is None or earlier.outcome is not Outcome.UNCONFIRMED:
        return False
    since = earlier.recording.open_since
    return since is not None and ended.at - since >= SECOND_ASK
