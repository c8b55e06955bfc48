"""Verdicts: which endings of views are believed, which wait, and when endings are a failure of the run.

Absences wait for witnesses, refusals for proof of the keys; view after view with the same failure is a failure of
the run.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from replay_fetch.archive.write.messages import ViewEnded
from replay_fetch.archive.write.writer import Writer
from replay_fetch.clock import now
from replay_fetch.errors import Forbidden, NotFound, OutageError, ReplayFetchError
from replay_fetch.fetch.credentials import HeldBack
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.model import Outcome, Page, PlannedView, Source, View
from replay_fetch.pacing.breaker import State
from replay_fetch.pipeline.absences import Absences
from replay_fetch.pipeline.producer import Producer
from replay_fetch.pipeline.witnesses import Testimony, Witnesses

log = logging.getLogger(__name__)

# Seconds without a witness after which the API counts as ill, as with faults: a restart behind a balancer takes less.
_SHORTEST = 5.0
_FIRST_TRIAL, _LAST_TRIAL = 1.0, 60.0
_UPPER_CASE_UUID = re.compile(r"[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}")
LOOK_AT = (
    "are the session and the view column exchanged? is --site right, and are the keys those of the organisation "
    "that recorded them? are the recordings older than its retention?"
)
_FAILURES = frozenset({Outcome.FORBIDDEN, Outcome.UNRECOGNISED, Outcome.FAILED})


class Verdicts:
    """Judges the endings that the workers of a run tell, and gives out the next views; shared by all workers."""

    def __init__(self, fetcher: Fetcher, writer: Writer, witnesses: Witnesses, patience: float) -> None:
        """``patience`` is the time, in seconds, to wait for an API without views it had in the run."""
        self._fetcher = fetcher
        self._writer = writer
        self._witnesses = witnesses
        self._patience = patience
        self._breaker = fetcher.pacer.breaker
        self._resumed = anyio.Event()
        self._absences = Absences()
        self._refused: HeldBack[ViewEnded] = HeldBack(fetcher.keys)
        self._asks_witness = False
        self._tried_others = self._tried_lower_case = False

    async def next_view(self, producer: Producer) -> PlannedView | None:
        """Give out a view to ask for, None where none is left; waits while the API is tried.

        Absent views to be asked for again come before new ones, since a page that speaks for them may come any
        time.
        """
        while self._breaker.views is not State.CLOSED:
            await self._resumed.wait()
        # A stop is asked for: views that were begun end, and no view is asked for again.
        if not producer.stopped and (planned := self._absences.next_again()) is not None:
            return planned
        return await anext(producer, None)

    def asked_before(self, planned: PlannedView) -> bool:
        """True of a view found absent earlier in the run and asked for again."""
        return self._absences.asked_before(planned)

    def is_well(self, page: Page) -> bool:
        """Note a page that only the API itself can have given; returns True where views wait to be passed on."""
        # Once something was fetched, an empty list is no witness: it may be a sign of illness itself.
        if page.segments or not self._witnesses.has_some:
            self._absences.well(now())
        return bool(self._absences.ready)

    async def ended(self, ended: ViewEnded, *, absent: bool, told: bool) -> None:
        """Take in the ending of a view, which may be ``absent``: ``told`` so by the API's own empty list.

        Raises AuthError or OutageError where view after view fails in the same way.
        """
        # 1. Absent: held until witnesses agree; an empty list only once something was fetched that can be asked again.
        # 2. Newly forbidden: held until the keys are known to be good.  3. Everything else is final at once.
        if absent and (self._witnesses.has_some or not told):
            self._absences.note(ended, told=told)
            await self._confirm()
        else:
            self._absences.settled(ended.planned)
            if ended.outcome is Outcome.FETCHED:
                self._witnesses.remember(ended.planned.view, Source(ended.source))
            if not (_newly_forbidden(ended) and self._refused.hold(ended)):
                await self._writer.put(ended)
            await self._count(ended)
        await self.pass_on()

    async def settle(self) -> bool:
        """Decide on the views that are left when the list is done.

        Returns True where views are to be asked for again.
        """
        keys = self._fetcher.keys
        # No page will end the last stretch any more, so a witness is asked; but no scout: each view of the list has
        # been asked for by now.
        self._absences.believe()
        if len(self._absences):
            testimony = await self._witnesses.testify(scouting=False)
            await self._heed(testimony, at_end=True)
            if not (testimony.well or testimony.ill):
                were_there = isinstance(testimony.error, NotFound)
                self._absences.release(others_are_there=were_there or self._absences.seen_well)
        if keys.unproven:
            await self._witnesses.testify_to_keys()
        await self.pass_on()
        return self._absences.waiting > 0

    async def believe(self) -> None:
        """Record the few empty lists that need no witness, so that a run stopped right then has heard all of them."""
        self._absences.believe()
        await self.pass_on()

    async def finish(self) -> None:
        """Record refused views for the next run; raises AuthError where no answer showed the keys to be good."""
        # Recorded even where the keys are to blame: the next run then knows that they may be refused once more.
        for ended in self._refused.all():
            await self._writer.put(ended)
        self._fetcher.keys.finish()

    async def give_up(self) -> None:
        """Leave all views without a decision to the next run: the run ends before its time."""
        self._absences.release(others_are_there=False)
        await self.pass_on()

    @property
    def undecided(self) -> bool:
        """True where views are held on which a longer run would decide."""
        return len(self._absences) + self._absences.waiting > 0

    async def pass_on(self) -> None:
        """Give the writer the endings that are decided on by now; the others stay held."""
        while self._absences.ready:
            await self._writer.put(self._absences.ready.popleft())
        for ended in self._refused.released():
            await self._writer.put(ended)

    # --- views that are not there

    async def _confirm(self) -> None:
        """Have a witness asked, by one worker at a time, where the stretch of absent views has become long."""
        if self._asks_witness or not self._absences.wants_witness(now()):
            return  # all workers see the stretch at once, and one answer is enough for all
        self._asks_witness = True
        try:
            await self._heed(await self._witnesses.testify())
        finally:
            self._asks_witness = False

    async def _heed(self, testimony: Testimony, *, at_end: bool = False) -> None:
        if testimony.well:
            self._absences.well(now())
        elif testimony.ill:
            self._absences.ill(now())
            # A short spell passes by itself, and its views are asked for again. A long one would take the whole list.
            if self._breaker.views is State.CLOSED and (at_end or self._absences.lasts(now()) >= _SHORTEST):
                await self._wait_until_well(testimony)
        else:
            if not self._tried_others and not at_end:
                log.warning(
                    "the first %d views are all not there (404, or no answer): %s", len(self._absences), LOOK_AT
                )
            self._tried_others = True
            self._absences.nobody_knows()
            await self._try_lower_case()

    async def _wait_until_well(self, testimony: Testimony) -> None:
        """Hold all workers back until a view that was there is there again; raises OutageError when patience ends."""
        began, gap = now(), _FIRST_TRIAL
        log.warning("views that were fetched in this run are not there any more: %s; waiting", testimony.error)
        with self._trial():
            self._breaker.views = State.OPEN  # the first trial has failed already
            while not testimony.well:
                if now() - began > self._patience:
                    raise OutageError(
                        f"for {now() - began:.0f} s the API has not had views that it gave in this run: "
                        f"{testimony.error}. Run the same command again later, or with a larger --give-up-after."
                    )
                await anyio.sleep(gap)
                gap = min(2 * gap, _LAST_TRIAL)
                testimony = await self._witnesses.testify()
            self._absences.well(now())
        log.warning("they are there again; those that were not there meanwhile are asked for once more")

    async def _try_lower_case(self) -> None:
        """See once whether ids that the list has in upper case are there in lower case."""
        first = self._absences.first
        if first is None or self._tried_lower_case or not all(map(_UPPER_CASE_UUID.fullmatch, first.planned.view)):
            return
        self._tried_lower_case = True
        session_id, view_id = first.planned.view
        if await self._witnesses.has(View(session_id.lower(), view_id.lower())):
            log.warning("the API has %s in lower case: write the list's ids in lower case", first.planned.view)

    # --- views that fail in the same way

    async def _count(self, ended: ViewEnded) -> None:
        if ended.outcome not in _FAILURES:
            self._breaker.view_succeeded()
            return
        # Two ways to be in doubt: many views that fail alike, or refusals of several sessions before any success.
        trips = self._breaker.view_failed(_kind(ended))
        if trips or (self._fetcher.keys.suspicious and _newly_forbidden(ended) and self._breaker.views is State.CLOSED):
            with self._trial():
                testimony = await self._witnesses.testify_to_keys()
                # The keys are looked at before the view: where one is not there, they are good.
                good = ended.outcome is Outcome.FORBIDDEN and isinstance(testimony.error, NotFound)
                if not (testimony.well or good):
                    raise self._failure(ended, testimony)

    @contextmanager
    def _trial(self) -> Iterator[None]:
        """Hold back all further views until the trial is over; a trial with an exception ends the run."""
        self._breaker.views = State.HALF_OPEN
        yield
        self._breaker.close()
        self._resumed.set()
        self._resumed = anyio.Event()

    def _failure(self, ended: ViewEnded, testimony: Testimony) -> ReplayFetchError:
        if ended.outcome is Outcome.FORBIDDEN:
            return self._fetcher.keys.auth_error(Forbidden(ended.reason))
        in_a_row = f"{self._breaker.count} views in a row ended {ended.outcome}: {ended.reason}"
        tried = "a view that was fetched in this run fails too" if testimony.ill else "nothing was fetched yet"
        return OutageError(
            f"{in_a_row}; {tried}. The rest was not asked for. See what `replay-fetch probe SESSION VIEW` says; "
            "the same command goes on later."
        )


def _kind(ended: ViewEnded) -> str:
    """The common part of failures: the outcome and, without the API's own words, the reason of a failed view."""
    return f"{ended.outcome} {ended.reason.partition(':')[0]}" if ended.outcome is Outcome.FAILED else ended.outcome


def _newly_forbidden(ended: ViewEnded) -> bool:
    earlier = ended.planned.earlier
    before = earlier is not None and earlier.outcome is Outcome.FORBIDDEN
    return ended.outcome is Outcome.FORBIDDEN and not before
