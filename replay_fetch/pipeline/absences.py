"""Absent views, held until the API is seen to be well on both sides of that answer.

A 404, or an answer without a body, can come from any box on the way, for a moment or for an hour. The absence
becomes final between two sound answers to other views, which are its witnesses. An empty list is the API's own word,
and believed; but a store that has lost its index says it of every view, so a long run of empty lists needs a witness.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct
from msgspec.structs import replace

from replay_fetch.archive.write.messages import ViewEnded
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
# Seconds behind the first ask from which a second one that agrees counts by itself.
SECOND_ASK = 60


class _Held(Struct, gc=False):
    ended: ViewEnded
    again: int
    """How often it was asked for again."""
    told: bool
    """The API said so itself, by an empty list."""


class Absences:
    """Decides on absent views; told the time (seconds), does no I/O.

    A stretch of absences lasts as long as no witness speaks. The views become final where witnesses stand on both
    sides of the stretch, shortly one after the other. Where the witness before is lacking (a run begins), where a
    witness failed meanwhile, or where too much time went by, the views are asked for again. Before a second ask
    stands the witness that ended the first stretch, so its own stretch decides.
    """

    def __init__(self, most: int = MOST) -> None:
        # Decided.
        self.ready: deque[ViewEnded] = deque()
        # Something was there in this run.
        self.seen_well = False
        self._most = most
        self._held: deque[_Held] = deque()
        # To be asked for once more.
        self._again: deque[_Held] = deque()
        self._asked_again: dict[int, int] = {}
        self._well_at = float("-inf")
        self._ill = False
        # Views not there since the last witness.
        self._count = 0
        self._patience = LONG
        self._not_before = float("-inf")

    def __len__(self) -> int:
        """Count the views that are held in the stretch that goes on."""
        return len(self._held)

    @property
    def waiting(self) -> int:
        """How many views are held, to be asked for again once the API has been seen to be well."""
        return len(self._again)

    @property
    def first(self) -> ViewEnded | None:
        """The first view that is held, None where none is."""
        return self._held[0].ended if self._held else None

    def asked_before(self, planned: PlannedView) -> bool:
        """True of a view found absent earlier in the run and asked for again, so its chain begins anew."""
        return planned.row in self._asked_again

    def note(self, ended: ViewEnded, *, told: bool = False) -> None:
        """Take in an absent view; ``told`` where the API itself said so, by an empty list.

        Past ``most`` views the oldest is left to the next run, unconfirmed: memory must not grow with the list.
        """
        self._held.append(_Held(ended, self._asked_again.pop(ended.planned.row, 0), told))
        self._count += 1
        if len(self._held) > self._most:
            self.ready.append(_unconfirmed(self._held.popleft()))

    def believe(self) -> None:
        """Decide on the views that are held where no witness is needed: they are a few empty lists in a row."""
        if self._count < LONG and not self._ill and all(held.told for held in self._held):
            self.ready.extend(held.ended for held in self._held)
            self._held.clear()

    def next_again(self) -> PlannedView | None:
        """A view to be asked for once more, None where there is none."""
        if not self._again:
            return None
        held = self._again.popleft()
        self._asked_again[held.ended.planned.row] = held.again + 1
        return held.ended.planned

    def settled(self, planned: PlannedView) -> None:
        """Forget a view that was asked for again and is there, or ended in another way."""
        self._asked_again.pop(planned.row, None)

    def well(self, now: float) -> None:
        """End the stretch by a witness who speaks at ``now``: the API is well, so all held views are decided on."""
        # A page comes several times a second, a stretch of absences seldom: most calls only move the time on.
        if self._held:
            # Few views that are gone are no spell, however slow the limit is between two pages.
            shortly = now - self._well_at <= SHORTLY or len(self._held) <= FEW
            for held in self._held:
                self._decide(held, shortly=shortly)
            self._held.clear()
            self._count, self._patience = 0, LONG
        self.seen_well, self._ill, self._well_at = True, False, now

    def ill(self, now: float) -> None:
        """Note a witness that failed: no absence since the last good witness counts."""
        self._ill, self._not_before = True, now + _BETWEEN_TRIALS

    def nobody_knows(self) -> None:
        """Note that there was no witness to ask; the next look comes when ten times as many views are absent."""
        self._patience *= 10

    def wants_witness(self, now: float) -> bool:
        """True where the stretch has become so long, in views or in seconds, that a witness should be asked.

        Asking costs a request, so a short stretch waits for a page of another view to end it for nothing.
        """
        if not self._held or now < self._not_before:
            return False
        # Half the time in which two witnesses count as near: asked now, the answer still comes within it.
        overdue = self.seen_well and len(self._held) >= FEW and self.lasts(now) >= _OVERDUE
        return self._count >= self._patience or overdue

    def lasts(self, now: float) -> float:
        """Seconds of the loop's clock since the last witness that the API is well; infinite before the first."""
        return now - self._well_at

    def release(self, *, others_are_there: bool) -> None:
        """Decide on all views left without a witness, at the end of a run.

        A second ask with the same answer is enough where ``others_are_there``: other views of the list are or were
        there.
        """
        self.believe()
        for held in self._held:
            agrees = others_are_there and not self._ill and _is_second(held.ended)
            self.ready.append(held.ended if agrees else _unconfirmed(held))
        # To be asked for again, but the run is over: one answer alone is no proof.
        self.ready.extend(map(_unconfirmed, self._again))
        self._held.clear()
        self._again.clear()

    def _decide(self, held: _Held, *, shortly: bool) -> None:
        """Confirm a view, have the view asked for again, or leave it to the next run, as far as each is allowed."""
        # 1. Witnesses near each other on both sides, or a second ask that agrees: the absence is believed.
        # 2. Else the view is asked for again, twice at most: a spell longer than that is the next run's matter.
        # 3. Else it stays open, so that no recording is given up for a spell of a gateway.
        second = held.told or held.again > 0 or _is_second(held.ended)
        if not self._ill and ((self.seen_well and shortly) or second):
            self.ready.append(held.ended)
        elif held.again < _AGAIN:
            self._again.append(held)
        else:
            self.ready.append(_unconfirmed(held))


def _unconfirmed(held: _Held) -> ViewEnded:
    """The ending of a view that may be there all the same: not finished, with the reason."""
    said = held.ended.reason or ("the list is empty" if held.told else "the answer has no body")
    reason = f"{said}; not confirmed: the API was not seen to be well before and after"
    return replace(held.ended, outcome=Outcome.UNCONFIRMED, reason=reason)


def _is_second(ended: ViewEnded) -> bool:
    """True where an earlier run was told the same of the view, at least `SECOND_ASK` seconds ago."""
    earlier = ended.planned.earlier
    if earlier is None or earlier.outcome is not Outcome.UNCONFIRMED:
        return False
    since = earlier.recording.open_since
    return since is not None and ended.at - since >= SECOND_ASK
