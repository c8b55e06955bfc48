"""Verdicts: which ending of a view is believed, which one waits, and when all of them are one failure of the run."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from replay_fetch.archive import ViewEnded, Writer
from replay_fetch.clock import now
from replay_fetch.errors import Forbidden, NotFound, OutageError, ReplayFetchError
from replay_fetch.fetch import Fetcher, HeldBack
from replay_fetch.model import Outcome, PlannedView, Source, View
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
    """What the workers of a run tell of their views, and where they get the next ones; shared by all of them."""

    def __init__(self, fetcher: Fetcher, writer: Writer, witnesses: Witnesses, patience: float) -> None:
        """``patience`` is how long, in seconds, an API is waited for that no longer has what it had."""
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
        """A view to ask for, None where there is none left; waits while the API is tried."""
        while self._breaker.views is not State.CLOSED:
            await self._resumed.wait()
        if not producer.stopped and (planned := self._absences.next_again()) is not None:
            return planned
        return await anext(producer, None)

    def asked_before(self, planned: PlannedView) -> bool:
        """True of a view that was not there and is asked for again."""
        return self._absences.asked_before(planned)

    def is_well(self) -> bool:
        """A page has come that only the API itself can have given; True where views wait to be passed on."""
        self._absences.well(now())
        return bool(self._absences.ready)

    async def ended(self, ended: ViewEnded, *, absent: bool) -> None:
        """A view has ended; ``absent`` where that rests on a 404, or on an answer without a body.

        Raises what stops the run where view after view fails in the same way.
        """
        if absent:
            self._absences.note(ended)
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
        """Decide on what is left when the list is done; True where views are to be asked for again."""
        keys = self._fetcher.keys
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

    async def finish(self) -> None:
        """Raise AuthError where nothing showed the keys to be good; the next run knows the views that were refused."""
        for ended in self._refused.all():
            await self._writer.put(ended)
        self._fetcher.keys.finish()

    async def give_up(self) -> None:
        """The run ends before its time: what is not decided is asked for again by the next one."""
        self._absences.release(others_are_there=False)
        await self.pass_on()

    @property
    def undecided(self) -> bool:
        """Views are held that a run which goes on would decide."""
        return len(self._absences) + self._absences.waiting > 0

    async def pass_on(self) -> None:
        """Give the writer what is decided."""
        while self._absences.ready:
            await self._writer.put(self._absences.ready.popleft())
        for ended in self._refused.released():
            await self._writer.put(ended)

    # --- views that are not there

    async def _confirm(self) -> None:
        """Have a witness asked where the stretch of views that are not there has become long; one at a time."""
        if self._asks_witness or not self._absences.wants_witness(now()):
            return
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
        """Hold all workers back until what was there is there again."""
        began, gap = now(), _FIRST_TRIAL
        log.warning("views that were fetched in this run are not there any more: %s; waiting", testimony.error)
        with self._trial():
            self._breaker.views = State.OPEN
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
        """See once whether ids that are in upper case are there in lower case."""
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
        """Hold back all views but those being fetched until the trial is over; where it raises, the run is."""
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
    """What failures have in common: the outcome and, without the API's own words, the reason of one that failed."""
    return f"{ended.outcome} {ended.reason.partition(':')[0]}" if ended.outcome is Outcome.FAILED else ended.outcome


def _newly_forbidden(ended: ViewEnded) -> bool:
    earlier = ended.planned.earlier
    before = earlier is not None and earlier.outcome is Outcome.FORBIDDEN
    return ended.outcome is Outcome.FORBIDDEN and not before
