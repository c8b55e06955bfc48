"""Printing, to readers who may have gone: ``replay-fetch … | head`` is no error, a full disk is one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from replay_fetch.errors import ReplayFetchError
from replay_fetch.printable import printable

if TYPE_CHECKING:
    from replay_fetch.progress import Reporter
    from replay_fetch.settings import ShowSettings


class OutputError(ReplayFetchError):
    """What a command had to print is lost, or cut short."""


def say(text: str, end: str = "\n") -> None:
    """Print a line, or several, to stdout at once.

    A reader who has gone, or never was, misses nothing. Raises OutputError where the rest will not
    reach one who is still there: a list that a disk cut short looks like a list.
    """
    try:
        _print(text, end)
    except (BrokenPipeError, ConnectionResetError):
        _go_silent()
    except OSError as error:
        _go_silent()
        raise OutputError(
            f"stdout cannot be written: {error.strerror or error}; what was printed there is lost or cut short: "
            "run it again with stdout elsewhere"
        ) from error


def conclude(text: str, failure: Exception | None) -> None:
    """Print a summary, then what stopped the run, which is told even where the summary cannot be."""
    try:
        say(text)
    finally:
        if failure is not None:
            complain(failure)


def _print(text: str, end: str) -> None:
    try:
        print(text, end=end, flush=True)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), end=end, flush=True)


def _go_silent() -> None:
    """What Python has in its buffer and flushes at its end goes where nobody complains."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(error: Exception) -> None:
    """Print what went wrong to stderr; where nobody reads it, the exit code tells."""
    warn(str(error))


def warn(text: str) -> None:
    """Print to stderr, on one line that no id or answer of strangers can break; a terminal gets it folded."""
    from replay_fetch.progress import Console  # noqa: PLC0415 - brings the bar along, which --help does not need

    console = Console()
    console.line(console.folded(f"replay-fetch: {printable(text, 2000)}"))


@contextmanager
def shown(show: ShowSettings, secrets: Iterable[str] = ()) -> Iterator[Reporter | None]:
    """Log to stderr, and to ``--log-file``, while the context lasts; gives what shows progress, None for nothing.

    Raises SettingsError where the file cannot be opened. ``secrets`` come out as ``***``.
    """
    from replay_fetch.progress import Console, logging_to, reporter  # noqa: PLC0415 - as above

    console = Console()
    with logging_to(console, show, secrets):
        yield reporter(show, console)
