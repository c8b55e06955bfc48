"""Workers with an endless backlog behind one controller."""

from __future__ import annotations

import random
from collections import deque
from typing import Protocol

from msgspec import structs

from benchmarks.simulation.controllers import Controller, Reply
from benchmarks.simulation.events import Events
from benchmarks.simulation.network import Trip
from benchmarks.simulation.servers import Server
from replay_fetch.pacing.policy import Sent

NEVER = float("inf")
ROUNDING = 1e-9


class Trips(Protocol):
    """A network."""

    def trip(self, rng: random.Random) -> Trip:
        """The times of one request."""


class Client:
    """Sends whenever the controller and a free worker allow it; counts what becomes of it."""

    def __init__(self, events: Events, server: Server, controller: Controller, workers: int) -> None:
        self._events, self._server, self._controller = events, server, controller
        self._idle = workers
        self._wake = NEVER
        self._retries: deque[int] = deque()  # attempts so far of the requests that wait for another
        self._in_flight = self._number = 0
        self._trips: tuple[Trips, random.Random]
        self.sends: list[float] = []
        self.accepted: list[float] = []
        """When each answer came."""
        self.rejected: list[float] = []

    def start(self, at: float, network: Trips, rng: random.Random) -> None:
        self._trips = network, rng
        self._events.at(at, self._send_all)

    def _send_all(self) -> None:
        now = self._events.now
        if now >= self._wake - ROUNDING:
            self._wake = NEVER
        while self._idle and self._controller.may_send(self._in_flight):
            ready = self._controller.ready_at(now)
            if ready is None:
                return
            if ready > now + ROUNDING:
                self._wake_at(ready)
                return
            self._send(self._retries.popleft() if self._retries else 0)

    def _wake_at(self, time: float) -> None:
        if time < self._wake - ROUNDING:
            self._wake = time
            self._events.at(time, self._send_all)

    def _send(self, attempt: int) -> None:
        network, rng = self._trips
        trip = network.trip(rng)
        self._number += 1
        sent = Sent(self._number, self._events.now)
        self._idle -= 1
        self._in_flight += 1
        self.sends.append(sent.at)
        self._controller.sent(sent)
        self._events.at(sent.at + trip.out, lambda: self._arrive(sent, trip, attempt))

    def _arrive(self, sent: Sent, trip: Trip, attempt: int) -> None:
        verdict = self._server.count(self._events.now)
        reply = Reply(verdict.headers, accepted=verdict.accepted, attempt=attempt)
        back = sent.at + (trip.accepted if verdict.accepted else trip.rejected)
        self._events.at(back, lambda: self._answer(sent, reply))

    def _answer(self, sent: Sent, reply: Reply) -> None:
        now = self._events.now
        told = reply.rate_limit
        if told is not None and told.absolute and told.reset is not None:
            reply.rate_limit = structs.replace(told, reset=max(0.0, told.reset - now))
        self._in_flight -= 1
        (self.accepted if reply.accepted else self.rejected).append(now)
        asleep = self._controller.answered(now, sent, reply)
        if reply.accepted:
            self._idle += 1
        elif asleep > 0:  # the classic retry loop: the worker sleeps and keeps its request
            self._events.at(now + asleep, lambda: self._retry(reply.attempt + 1))
        else:
            self._retry(reply.attempt + 1)
            return
        self._send_all()

    def _retry(self, attempt: int) -> None:
        self._retries.append(attempt)
        self._idle += 1
        self._send_all()
