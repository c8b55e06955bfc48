"""Print results to stdout and messages to stderr, for readers who may have gone.

``replay-fetch … | head`` is no error: its reader has read enough. A full disk is an error: a file cut short
looks whole.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from replay_fetch.errors import ReplayFetchError
from replay_fetch.printable import printable

if TYPE_CHECKING:
    from replay_fetch.archive.shelf import Shelf
    from replay_fetch.progress.reporters import Reporter
    from replay_fetch.settings import ShowSettings


_NARROWEST = 40  # columns


class OutputError(ReplayFetchError):
    """A text for stdout is lost or cut short, though a reader waits; exit code 3, because a run may have begun."""


def say(text: str, end: str = "\n") -> bool:
    """Print a line, or several, to stdout at once; returns False where the reader has just gone.

    A reader who has gone misses nothing. Raises OutputError where a full disk cuts the text short: half a list
    looks like a list.
    """
    try:
        _print(text, end)
    except (BrokenPipeError, ConnectionResetError):
        _go_silent()
        return False
    except OSError as error:
        _go_silent()
        raise OutputError(
            f"stdout cannot be written: {error.strerror or error}; what was printed there is lost or cut short: "
            "run it again with stdout elsewhere"
        ) from error
    return True


def require_stdout(what: str) -> None:
    """Raise OutputError where stdout was closed before the command began, and what it makes would be lost.

    For commands whose result is what they print. A summary may be lost: the exit code tells.
    """
    if sys.stdout is None:
        raise OutputError(f"stdout is closed, and {what} would be lost: run it again with stdout open, or into a file")


def conclude(text: str, failure: Exception | None) -> None:
    """Print a summary, then the failure that stopped the run, which is printed even where the summary cannot be."""
    try:
        say(text)
    finally:
        if failure is not None:
            complain(failure)


def _print(text: str, end: str) -> None:
    """Print a text; letters that the terminal's encoding lacks come out as escapes, not as an error."""
    try:
        # Flushed each time: an error at exit could no longer be told, and readers of a pipe wait for lines.
        print(text, end=end, flush=True)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), end=end, flush=True)


def _go_silent() -> None:
    """Point stdout at nothing, so Python's flush at exit, of a buffer nobody reads, ends without an error."""
    # Not sys.stdout.close(): Python would flush at exit all the same, and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(error: Exception) -> None:
    """Print an error on one line of stderr; where no reader is left there, the exit code still tells."""
    warn(str(error))


def warn(text: str) -> None:
    """Print a text on one line of stderr, whatever breaks an id or answer holds; a terminal gets it folded."""
    from replay_fetch.progress.console import Console  # noqa: PLC0415 - brings the bar along, which --help does not need

    console = Console()
    console.line(console.folded(f"replay-fetch: {printable(text, 2000)}"))


def for_terminal(line: str, indent: int) -> str:
    """Fold a line of stdout between words where a terminal shows it, the rest indented; a pipe gets it as it is."""
    if not sys.stdout.isatty():
        return line
    width = max(shutil.get_terminal_size().columns, _NARROWEST)
    # No word is cut: ids and URLs can still be copied whole.
    return textwrap.fill(line, width, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False)


def warn_of_standing(out: Shelf) -> None:
    """Print a warning where a run is going on in the archive, or did not come to its end: figures are not final."""
    from replay_fetch.archive.shelf import readable  # noqa: PLC0415 - as above
    from replay_fetch.inspect.entries import standing_of  # noqa: PLC0415 - as above

    standing = standing_of(readable(out))
    if standing:
        warn(standing)


@contextmanager
def shown(show: ShowSettings, secrets: Iterable[str] = ()) -> Iterator[Reporter | None]:
    """Log to stderr, and to ``--log-file``, while the context lasts; gives the reporter of progress or None.

    Raises SettingsError where the file cannot be opened. Each of ``secrets`` comes out as ``***``.
    """
    from replay_fetch.progress.console import Console  # noqa: PLC0415 - as above
    from replay_fetch.progress.log import logging_to  # noqa: PLC0415 - as above
    from replay_fetch.progress.reporters import reporter_for  # noqa: PLC0415 - as above

    console = Console()
    with logging_to(console, show, secrets):
        yield reporter_for(show, console)
