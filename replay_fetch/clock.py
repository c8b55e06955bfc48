"""The event loop's clock, for whoever looks at it several times a page."""

from __future__ import annotations

from asyncio import get_running_loop


def now() -> float:
    """Seconds of the running event loop's clock: what ``anyio.current_time`` says, at a tenth of its price."""
    return get_running_loop().time()
