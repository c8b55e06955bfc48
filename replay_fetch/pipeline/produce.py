"""The producer: hands the plan's unfinished views to the workers, session by session."""

from __future__ import annotations

from collections import Counter

from anyio import to_thread
from anyio.streams.memory import MemoryObjectSendStream

from replay_fetch.archive import Writer
from replay_fetch.ledger import Ledger, ToDo
from replay_fetch.model import PlannedView

# Views a look into the ledger: its cost vanishes, and what is held stays small.
_AT_ONCE = 500


async def produce(ledger: Ledger, todo: ToDo, writer: Writer, views: MemoryObjectSendStream[PlannedView]) -> None:
    """Send every view that is to do, then close the stream.

    The stream holds nothing: a view leaves the ledger when a worker is free for it.
    """
    async with views:
        last: PlannedView | None = None
        while batch := await to_thread.run_sync(ledger.to_do, todo, last, _AT_ONCE):
            announced = last.session if last is not None else None
            counts = Counter(planned.session for planned in batch)
            final = batch[-1].session  # may go on in the next batch
            counts[final] = await to_thread.run_sync(ledger.count_to_do, todo, final)
            for planned in batch:
                if planned.session != announced:
                    writer.expect(planned.session, counts[planned.session])
                    announced = planned.session
                await views.send(planned)
            last = batch[-1]
