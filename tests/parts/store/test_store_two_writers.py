"""Two machines that write to one archive at once: a state machine draws what becomes of each request.

The machines stop between any two requests for as long as is drawn, die, have their answers lost, and take the archive
over from each other, with the lease honoured or ignored. After every step the log is read, and what it says must be
there, byte for byte.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from made_runs import FIRST, SECOND, MadeRun, WithoutLease, assert_log_holds, assert_whole
from memory_scratches import MemoryScratch
from memory_stores import PLACE, Fate, MachineDied, MemoryDriver, at_once, objects
from obstore.store import MemoryStore
from virtual_clock import VirtualClockLoop

from replay_fetch.errors import ReplayFetchError
from replay_fetch.model import View
from replay_fetch.store.log import Log
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import FOLDER
from replay_fetch.store.restoring import Restoring

LISTS = (FIRST, SECOND)
FATES = st.sampled_from([Fate.DONE] * 6 + [Fate.UNHEARD] * 2 + [Fate.NOT_DONE, Fate.CONFLICT])
PLACES = ("log/", "log/", "log/", "sessions/s", "sessions/s", "staged/", "parts/", "lists/", "manifest", "end")
MACHINES = st.integers(0, 1)


class GatedDriver(MemoryDriver):
    """Requests that wait until the test says what becomes of them."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.waiting: list[tuple[str, str, asyncio.Future[Fate]]] = []
        self.dead = False

    async def fate(self, verb: str, name: str) -> Fate:
        if self.dead:
            raise MachineDied
        future: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
        self.waiting.append((verb, name, future))
        return await future


class Machine:
    """One machine, its run, and the task that is the run."""

    def __init__(self, loop: asyncio.AbstractEventLoop, run: MadeRun, driver: GatedDriver) -> None:
        self.made, self.driver = run, driver
        self.task = loop.create_task(run.run())
        self.task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    @property
    def alive(self) -> bool:
        return not self.task.done()


class TwoMachines(RuleBasedStateMachine):
    """Rules are what may happen to the machines; `log_holds` is what must stay true."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualClockLoop()
        self.store = MemoryStore()
        self.folder = Path(tempfile.mkdtemp(prefix="two-machines-"))
        self.machines: list[Machine | None] = [None, None]
        self.begun = 0
        self.finished: set[View] = set()

    def disk(self) -> Path:
        self.begun += 1
        return self.folder / str(self.begun)

    def settle(self, seconds: float = 0) -> None:
        """Let everything go on that waits for no request and no longer than that."""

        async def turns() -> None:
            await asyncio.sleep(seconds)
            for _ in range(60):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())

    # --- what may happen

    @initialize(first=st.booleans(), honours=st.booleans())
    def begin_with(self, *, first: bool, honours: bool) -> None:
        """The archive is empty, or an earlier run has ended; one machine has begun."""
        if first:
            self.loop.run_until_complete(MadeRun(objects(self.store), self.disk(), FIRST).run())
        self.begin(0, SECOND, honours=honours)

    @rule(which=MACHINES, views=st.sampled_from(LISTS), honours=st.booleans())
    def begin(self, which: int, views: tuple[View, ...], *, honours: bool) -> None:
        """Start a run on a machine with an empty disk."""
        machine = self.machines[which]
        if machine is not None and machine.alive:
            return
        driver = GatedDriver(self.store)
        run = MadeRun(Objects(driver, PLACE, give_up_after=10**6), self.disk(), views, wait=200)
        if not honours:
            run.keep._lease = WithoutLease(run.keep._objects, FOLDER)
        self.machines[which] = Machine(self.loop, run, driver)
        self.settle()

    @rule(which=MACHINES, fate=FATES, request=st.integers(0, 3))
    def answer(self, which: int, fate: Fate, request: int) -> None:
        """One request has its fate."""
        self.release(which, fate, request)

    @rule(which=MACHINES, place=st.sampled_from(PLACES))
    def go_on(self, which: int, place: str) -> None:
        """All requests are done up to the next write of one kind, which waits."""
        for _ in range(80):
            machine = self.machines[which]
            if machine is None or not machine.driver.waiting:
                return
            self.release(which, Fate.DONE, 0)
            if any(verb == "PUT" and place in name for verb, name, _ in machine.driver.waiting):
                return

    @precondition(lambda self: any(machine and machine.alive for machine in self.machines))
    @rule(which=MACHINES, luck=st.integers(0, 3))
    def die(self, which: int, luck: int) -> None:
        """The machine is gone, with its disk; one time in four, for a dead machine tells little."""
        if not luck:
            self.kill(self.machines[which])

    @rule(seconds=st.sampled_from([1, 25, 70]))
    def wait(self, seconds: int) -> None:
        """Time passes: for retries, beats, and leases that stand still."""
        self.settle(seconds)

    def release(self, which: int, fate: Fate, request: int) -> None:
        machine = self.machines[which]
        if machine is None or not machine.driver.waiting:
            return
        verb, _, future = machine.driver.waiting.pop(request % len(machine.driver.waiting))
        writes = verb in {"PUT", "UPLOAD"}
        if not future.done():  # its run may have been cancelled
            future.set_result(fate if writes or fate is Fate.NOT_DONE else Fate.DONE)
        self.settle()

    def kill(self, machine: Machine | None) -> None:
        if machine is None or not machine.alive:
            return
        machine.driver.dead = True
        for *_, future in machine.driver.waiting:
            if not future.done():
                future.set_exception(MachineDied())
        machine.task.cancel()
        self.settle(1000)
        assert not machine.alive

    # --- what must stay true

    @invariant()
    def log_holds(self) -> None:
        """All that the log names is there; no finished view is ever unfinished again, or asked for by who knew."""
        scratch = self.restored()
        finished = {record.planned.view for record in scratch.records.values() if record.finished}
        assert self.finished <= finished
        self.finished = finished
        assert_log_holds(self.store, scratch)

    @invariant()
    def runs_end_as_they_should(self) -> None:
        """A run ends well, or in an error of ours; never because what it read was wrong."""
        for machine in self.machines:
            if machine is not None and not machine.alive and not machine.driver.dead:
                failure = machine.task.exception()
                assert failure is None or isinstance(failure, ReplayFetchError), repr(failure)
                assert failure is None or "taken" in str(failure) or "another run" in str(failure), str(failure)

    def restored(self) -> MemoryScratch:
        scratch = MemoryScratch(self.disk())
        restoring = Restoring(objects(self.store), FOLDER, scratch)
        self.loop.run_until_complete(restoring.restore(Log(objects(self.store), FOLDER, "reader")))
        return scratch

    def teardown(self) -> None:
        """Both machines die; whoever comes last with both lists makes the archive that one undisturbed run makes."""
        try:
            for machine in self.machines:
                self.kill(machine)
            for views in LISTS:
                run = MadeRun(objects(self.store), self.disk(), views, wait=200)
                self.loop.run_until_complete(run.run())
                assert not self.finished & set(run.asked)
            self.log_holds()
            assert_whole(self.store, self.restored(), strays=True)
        finally:
            self.loop.close()
            shutil.rmtree(self.folder)


def test_two_machines_never_corrupt_an_archive_whatever_becomes_of_their_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(anyio.to_thread, "run_sync", at_once)
    run_state_machine_as_test(TwoMachines, settings=settings(max_examples=40, stateful_step_count=40, print_blob=True))
