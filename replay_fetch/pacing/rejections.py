"""429s in a row: the time in which nothing else came, and the limit in the words of the latest 429."""

from __future__ import annotations

from replay_fetch.model import RateLimit

# Longer than others may keep us from a daily quota that they use up two days in a row: each window is spent by its
# end, and two hours are left for the error of a server's clock.
PATIENCE = 50 * 3600.0
# A wait of this many seconds is worth a word: it looks like a hang.
LONG_WAIT = 60.0


class Rejections:
    """Counts the time in which the API refuses every request with 429.

    An API that says 429 lives, and orders most of the waiting itself. So ``--give-up-after`` does not bound the time,
    and patience lasts as long as a daily quota needs.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = max(PATIENCE, patience)
        self._since: float | None = None
        self._said = False
        self._latest: RateLimit | None = None
        self.lasted = 0.0
        """Seconds from the first 429 to the latest, 0 while anything else comes."""

    @property
    def hopeless(self) -> bool:
        """True where nothing but 429s came for 50 hours, or for ``--give-up-after`` where that is longer."""
        return self.lasted > self._patience

    def add(self, now: float, rate_limit: RateLimit | None) -> None:
        """Count a 429 that came at ``now``; ``rate_limit`` holds its headers."""
        if self._since is None:
            self._since = now
        self.lasted = now - self._since
        self._latest = rate_limit

    def forget(self) -> None:
        """Begin anew: a request succeeded, or no worker has asked for long and nothing is known of that time."""
        self._since, self._said, self.lasted = None, False, 0.0

    def notice(self, wait: float) -> str:
        """The message on a long wait of ``wait`` seconds, once until a request succeeds; empty where it was said."""
        if wait < LONG_WAIT or self._said:
            return ""
        self._said = True
        return f"the API's rate limit is used up ({self.limit}): the next request goes out in {wait:.0f} s"

    @property
    def limit(self) -> str:
        """The limit in words, as far as the headers of the latest 429 name it: name, requests, seconds."""
        told = self._latest or RateLimit()
        parts = [f"{told.name!r}"] if told.name else []
        if told.limit is not None:
            parts.append(f"limit {told.limit}" + (f" in {told.period:g} s" if told.period else ""))
        if told.reset is not None:
            parts.append(f"reset in {told.reset:.0f} s")
        if told.retry_after is not None:
            parts.append(f"retry after {told.retry_after:.0f} s")
        return ", ".join(parts) or "no header says which"

    def __str__(self) -> str:
        return f"every request for {self.lasted / 3600:.0f} h was refused with 429 ({self.limit})"
