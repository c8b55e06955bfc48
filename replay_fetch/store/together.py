"""Work beside other work: requests sent together, and a beat beside a run. The first error ends all.

The first error is raised alone, not in a group: it is about the store, and further errors would say the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Never, TypeVar

import anyio

_Value = TypeVar("_Value")

AT_ONCE = 16
"""Requests in flight: a store answers in 20 to 100 ms, so these are 160 to 800 a second."""
ROOM = 64 * 2**20
"""Bytes of bodies in flight, by the sizes that the caller names; a body larger than all of it goes alone."""


async def together(requests: Sequence[tuple[int, Callable[[], Awaitable[_Value]]]]) -> list[_Value]:
    """The answers in the order of the requests, each of which comes with the size of its body in bytes."""
    results: dict[int, _Value] = {}
    failures: list[Exception] = []
    waiting = iter(enumerate(requests))
    held, freed = 0, anyio.Event()

    # As many tasks as requests in flight, not a task and a lock for each: a run makes a request a session.
    async def send() -> None:
        nonlocal held, freed
        for number, (size, request) in waiting:
            while held and held + size > ROOM:
                await freed.wait()
            held += size
            try:
                results[number] = await request()
            except Exception as error:  # noqa: BLE001 - raised below
                failures.append(error)
                group.cancel_scope.cancel()
            held -= size
            freed.set()
            # anyio's events cannot be reset: each release wakes all that wait, and later ones wait for the next
            # release.
            freed = anyio.Event()

    async with anyio.create_task_group() as group:
        for _ in range(min(AT_ONCE, len(requests))):
            group.start_soon(send)
    if failures:
        raise failures[0]
    return [results[number] for number in range(len(requests))]


async def beside(background: Callable[[], Awaitable[Never]], work: Callable[[], Awaitable[_Value]]) -> _Value:
    """The value of ``work``, while ``background`` runs for as long; an error of either ends both."""
    values: list[_Value] = []
    failures: list[Exception] = []

    async def run(call: Callable[[], Awaitable[_Value]]) -> None:
        try:
            values.append(await call())
        except Exception as error:  # noqa: BLE001 - raised below
            failures.append(error)
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(run, background)
        group.start_soon(run, work)
    if failures:
        raise failures[0]
    return values[0]
