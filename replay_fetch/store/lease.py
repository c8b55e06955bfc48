"""The lease of an archive: who is writing to it now, how far the run is, and when another may take over.

The lease saves two runs from doing the same work; safety is the log's. A run that slept for an hour wakes up believing
in its lease, and the log stops it. So an unanswered beat stops no run.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Callable, Mapping
from typing import Never

import anyio
import msgspec

from replay_fetch.clock import now
from replay_fetch.errors import ReplayFetchError
from replay_fetch.printable import printable
from replay_fetch.shard import named
from replay_fetch.store.driver import Found, Tag
from replay_fetch.store.failures import Fenced, LeaseHeld, StoreDead, StoreError
from replay_fetch.store.objects import Objects

log = logging.getLogger(__name__)

NAME = "lease.json"
# A holder may miss two beats, for a store that pauses or a garbage collection, before it counts as dead.
_SECONDS, _BEAT = 60.0, 20.0
_POLL = 2.0  # seconds between two looks at another run's lease
_RELEASE_WITHIN = 10.0  # seconds; a lease that is not given back costs the next run a minute, and nothing else


Progress = Callable[[], Mapping[str, object]]
"""Gives a run's figures by name, whenever the lease is written."""


class LeaseState(msgspec.Struct, frozen=True, kw_only=True):
    """The lease's content, JSON: the run that wrote last, and its progress for ``status``."""

    holder: str
    """Host, process and a random number, such as ``worker-7/31/5f0c9a1b``."""
    epoch: int
    """Counts the runs that held the lease."""
    beat: int = 0
    """Counts the writes of one run, so that no two have the same bytes."""
    seconds: float = _SECONDS
    """How long the object may stand still before another run takes it over."""
    released: bool = False
    progress: Mapping[str, object] = {}
    """Figures of the run, by name."""


class Lease:
    """A run's hold on the lease in ``folder``: take, beat beside the work, release.

    For ``wait`` seconds `take` watches another run's lease before it raises LeaseHeld. A dead run's lease is taken over
    after the 60 seconds named in it, so a smaller wait finds only leases that were given back.
    """

    def __init__(self, objects: Objects, folder: str, *, wait: float = 0.0) -> None:
        self.name = f"{folder}/{NAME}"
        # A container that is restarted often has the host's name and the process's number of the one before.
        self.holder = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self.epoch = 0
        """The number of this run among those that held the lease; 0 while it does not."""
        self.lost = ""
        """Why the lease is lost, for users; empty while it is not."""
        self._objects = objects
        shard = named(folder.rpartition("/")[2])
        self._archive = f"shard {shard} of {objects.location}" if shard else str(objects.location)
        self._wait = wait
        self._tag = Tag(None)
        self._beats = 0

    def __repr__(self) -> str:
        return f"<Lease {self.holder}, epoch {self.epoch}, beat {self._beats}{', lost' if self.lost else ''}>"

    async def take(self) -> int:
        """Take a lease that is missing, was given back, or stood still; returns the epoch.

        Time is measured by this machine's clock from when it first saw the object's version, so no two clocks are
        compared. Raises LeaseHeld.
        """
        begun = since = now()
        watched: Tag | None = None
        alive = False
        while True:
            got = await self._objects.get(self.name)
            if got is None:
                if self._took(await self._objects.create(self.name, self._content(1), 1), 1):
                    return self.epoch
                continue
            said, tag = _state(got[0], self._objects, self.name), got[1].tag
            # The holder's clock may be wrong by hours, so its time of day is not even in the lease.
            if tag != watched:
                if watched is None and not said.released and self._wait:
                    self._tell_of_wait(said)
                # The first version that is seen says nothing, since a dead run has left one, too: a second is a sign of
                # life.
                alive, watched, since = watched is not None, tag, now()
            if said.released or now() - since >= said.seconds:
                content = self._content(said.epoch + 1)
                if self._took(await self._objects.replace(self.name, content, said.epoch + 1, tag), said.epoch + 1):
                    if not said.released:
                        log.warning("%s: taken over from %s", self._archive, printable(said.holder))
                    return self.epoch
                continue
            if now() - begun >= self._wait:
                raise LeaseHeld(self._held_by(said, alive=alive))
            await anyio.sleep(_POLL)

    async def beat(self, progress: Progress) -> Never:
        """Write the lease anew every 20 seconds, with the run's progress; runs until it is cancelled.

        Raises Fenced where another run has taken the lease. A store that does not answer is waited for.
        """
        while True:
            await anyio.sleep(_BEAT)
            try:
                put = await self._objects.replace(
                    self.name, self._content(self.epoch, progress()), self.epoch, self._tag
                )
            except ReplayFetchError as error:
                # The store may be well for commits and ill for this object. Were it a takeover, the log would tell.
                log.warning("%s: no beat: %s", self.name, error)
                continue
            if not isinstance(put, Tag):
                self.lost = await self._taken_by()
                raise Fenced(self.lost)
            self._tag = put

    async def release(self) -> None:
        """Give the lease back, also while the run is being cancelled; tries for ten seconds, but not a dead store."""
        failure = self._objects.retries.failure
        if self.lost or not self.epoch or isinstance(failure, StoreDead):
            return
        with anyio.move_on_after(_RELEASE_WITHIN, shield=True):
            try:
                await self._give_back()
            except ReplayFetchError as error:
                if failure is None:  # else the run ends with an error of the store, which says all
                    log.warning("%s: the lease is not given back: %s", self._archive, error)

    async def _give_back(self) -> None:
        content = self._content(self.epoch, released=True)
        if isinstance(await self._objects.replace(self.name, content, self.epoch, self._tag), Tag):
            return
        # A beat that was cancelled on its way may have landed: then the version is ours, though we never heard of it.
        got = await self._objects.get(self.name)
        if got is not None and _state(got[0], self._objects, self.name).holder == self.holder:
            await self._objects.replace(self.name, content, self.epoch, got[1].tag)

    def _took(self, put: Tag | Found | None, epoch: int) -> bool:
        if not isinstance(put, Tag):
            return False
        self._tag, self.epoch = put, epoch
        return True

    def _content(self, epoch: int, progress: Mapping[str, object] | None = None, *, released: bool = False) -> bytes:
        # Counted, so that no two contents are equal: a write is known again by its bytes.
        self._beats += 1
        return msgspec.json.encode(
            LeaseState(
                holder=self.holder, epoch=epoch, beat=self._beats, released=released, progress=dict(progress or {})
            )
        )

    def _tell_of_wait(self, said: LeaseState) -> None:
        log.warning(
            "%s: %s is writing to it, or was killed; waiting up to %.0f s for its end, or for %.0f s without a sign of "
            "life",
            self._archive,
            printable(said.holder),
            self._wait,
            said.seconds,
        )

    def _held_by(self, said: LeaseState, *, alive: bool) -> str:
        held = f"another run is writing to {self._archive}: {printable(said.holder)}; wait for it or stop it. "
        if alive:
            return f"{held}It is alive: in the {self._wait:.0f} s of --wait-for-lock it has written its lease anew"
        seconds = f"{said.seconds:.0f}"
        return f"{held}A run that was killed holds its lease for {seconds} s more: --wait-for-lock {seconds}"

    async def _taken_by(self) -> str:
        state = await read_lease(self._objects, self.name)
        holder = printable(state.holder) if state else "somebody who removed the lease"
        return f"{self._archive} was taken over by {holder}; this run stops, and nothing is lost"


async def read_lease(objects: Objects, name: str) -> LeaseState | None:
    """The lease as it stands, for ``status``; None where no run has ever held it."""
    got = await objects.get(name)
    return None if got is None else _state(got[0], objects, name)


def _state(content: bytes, objects: Objects, name: str) -> LeaseState:
    try:
        return msgspec.json.decode(content, type=LeaseState)
    except msgspec.DecodeError:
        pass
    raise StoreError(f"{objects.location}/{name} is no lease of replay-fetch; remove it if nothing runs")
