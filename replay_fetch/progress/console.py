"""The owner of stderr: the bar and the log lines take turns through a single lock."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TextIO

# Where the terminal does not tell, as in some containers.
_FALLBACK_COLUMNS = 80
_INDENT = "  "


class Console:
    """A stream to people that never fails: once the reader is gone, the stream stays silent.

    Offers the methods that a bar needs of a file: write, flush, isatty, encoding.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr  # None again where the process was started without one
        # Reentrant, for the bar has the same lock: it is taken off and drawn again while a line holds the lock.
        self.lock = threading.RLock()
        """Held while a line or the bar is drawn; log calls come from threads too."""
        self.aside: Callable[[], AbstractContextManager[object]] = nullcontext
        """Takes the bar off the screen while a line is written; set by the bar while it is up."""

    def line(self, text: str) -> None:
        """Write a whole line above the bar, and flush it; safe from any thread, and silent where no reader is left."""
        with self.lock, self.aside():
            self.write(f"{text}\n")
            self.flush()

    def write(self, text: str) -> None:
        """Write the text unchanged; characters that the stream cannot encode come out escaped."""
        if self._stream is None:
            return
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            self.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
        except (OSError, ValueError):  # the reader is gone, or the stream was closed under us
            self._stream = None

    def flush(self) -> None:
        """Push out all text that waits in a buffer; a reader that is gone silences the stream."""
        try:
            if self._stream is not None:
                self._stream.flush()
        except (OSError, ValueError):
            self._stream = None

    def isatty(self) -> bool:
        """True on a terminal that can take a line back; a ``TERM`` of ``dumb`` cannot."""
        try:
            return self._stream is not None and self._stream.isatty() and os.environ.get("TERM") != "dumb"
        except ValueError:  # closed under us
            return False

    def folded(self, text: str) -> str:
        """Break a line between words to fit the terminal, and indent the rest; off a terminal return the line as given.

        No word is cut, so ids and paths can still be copied whole.
        """
        if not self.isatty():
            return text
        width = max(self.columns(), _FALLBACK_COLUMNS // 2)
        return textwrap.fill(text, width, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False)

    @property
    def encoding(self) -> str:
        """The name of the stream's encoding, UTF-8 where the stream names none, as one in memory."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def columns(self) -> int:
        """The terminal's width at this moment, in columns: windows are resized."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or _FALLBACK_COLUMNS
        except (OSError, ValueError, AttributeError):  # no terminal, a closed stream, or no file at all
            return shutil.get_terminal_size((_FALLBACK_COLUMNS, 24)).columns
