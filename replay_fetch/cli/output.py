"""Printing, to readers who may have gone: ``replay-fetch … | head`` is no error."""

from __future__ import annotations

import os
import sys


def say(text: str, end: str = "\n") -> None:
    """Print a line, or several, to stdout at once."""
    try:
        print(text, end=end, flush=True)
    except UnicodeEncodeError:
        print(text.encode("ascii", "backslashreplace").decode(), end=end, flush=True)
    except OSError as error:
        # What Python flushes at its end goes where nobody complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            complain(error)


def complain(error: Exception) -> None:
    """Print what went wrong to stderr, on one line that no id or answer of strangers can break.

    A terminal gets it folded. Where nobody reads it, the exit code tells.
    """
    # These bring the decoders and the bar along, which --help does not need.
    from replay_fetch.api import printable  # noqa: PLC0415
    from replay_fetch.progress import Console  # noqa: PLC0415

    console = Console()
    console.line(console.folded(f"replay-fetch: {printable(str(error), 2000)}"))
