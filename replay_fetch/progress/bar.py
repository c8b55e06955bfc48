"""The bar on a terminal; the only file that knows tqdm."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Never

from replay_fetch.progress.console import Console
from replay_fetch.progress.snapshot import ProgressSnapshot

if TYPE_CHECKING:
    from tqdm import tqdm


@cache
def tqdm_bar() -> type[tqdm]:  # type: ignore[type-arg] # no iterable, hence no type of what it yields
    """Make our class of tqdm's bars, for the first bar that is drawn: most runs draw none, and tqdm takes 18 ms.

    The TQDM_… variables are meant for other programs: they would change or break our bar.
    """
    aside = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("TQDM_")}
    try:
        from tqdm import tqdm  # noqa: PLC0415 - it reads them when it is imported
    finally:
        os.environ.update(aside)

    class _Tqdm(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0  # no thread that watches for silence: the reporter refreshes by the clock

    return _Tqdm


_FORMAT = "|{bar}| {desc}"
_AROUND = len("|| ")
_NARROWEST_BAR = 5  # with it, everything there is to say about 10,000 views fits 80 columns


class Bar:
    """A single bar of views, refreshed five times a second; words give way to the terminal's width.

    Only one bar stands at a time. The console takes it aside while a log line is written.
    """

    period = 0.2  # seconds: looks alive, costs nothing

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tqdm: tqdm[Never] | None = None

    def refresh(self, snapshot: ProgressSnapshot) -> None:
        """Draw the snapshot; the first call puts the bar up, so an early error finds no bar."""
        width = self._console.columns() - 1  # some terminals wrap as soon as the last column is written
        bar = self._tqdm = self._tqdm or self._put_up(width)
        bar.ncols = width
        bar.total = snapshot.total
        bar.n = snapshot.done
        words = _fitting(snapshot.words(), width - _AROUND - _NARROWEST_BAR)
        # Filled up to what is usually said, so that the bar does not jump with every digit.
        bar.set_description_str(words.ljust(width - _AROUND - width // 6), refresh=False)
        bar.refresh()

    def close(self, snapshot: ProgressSnapshot) -> None:
        """Draw the last snapshot and leave the bar standing, as a record of the end above the summary."""
        self.refresh(snapshot)
        self._console.aside = nullcontext
        if self._tqdm is not None:
            self._tqdm.close()
            self._tqdm = None  # work that follows, such as the events behind the views, has a bar of its own

    def _put_up(self, width: int) -> tqdm[Never]:
        # One lock for the bar and the lines; tqdm's own would be shared between processes, for nobody.
        tqdm_bar().set_lock(self._console.lock)
        bar: tqdm[Never] = tqdm_bar()(total=0, file=self._console, bar_format=_FORMAT, ncols=width)

        @contextmanager
        def aside() -> Iterator[None]:
            bar.clear()
            try:
                yield
            finally:
                bar.refresh()

        self._console.aside = aside
        return bar


def _fitting(words: Sequence[str], width: int) -> str:
    """Join as many words as fit the width, none cut in two; a short word may take a long word's place."""
    line = ""
    for word in words:
        longer = f"{line}, {word}" if line else word
        if len(longer) <= width:
            line = longer
    return line
