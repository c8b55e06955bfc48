"""The event loop's clock, for callers that look several times a page, and failures that a clock tells apart."""

from __future__ import annotations

from asyncio import get_running_loop

# Seconds; longer than all attempts of one page take, so that a single view with a failure of its own proves nothing.
_FINAL_AFTER = 180.0


def now() -> float:
    """Seconds of the running event loop's clock, equal to ``anyio.current_time``, at a tenth of the cost."""
    return get_running_loop().time()


class Spell:
    """A spell of failures that look final, such as refused keys; told the time in seconds.

    A failure is final at once where nothing has ever succeeded: a mistake in a setting stays. Behind a success it is
    final once failures have come for three minutes, and no success between them. A run of days meets servers that
    forget its keys for a moment, as it meets all other faults; what was withdrawn for good stays so.
    """

    def __init__(self) -> None:
        self.succeeded = False
        """A success has come, at any time."""
        self._since: float | None = None

    def over(self) -> None:
        """Note a success."""
        self.succeeded, self._since = True, None

    def is_final(self, at: float) -> bool:
        """Note a failure at ``at``; returns True where the failure is final."""
        if self._since is None:
            self._since = at
        return not self.succeeded or at - self._since >= _FINAL_AFTER
