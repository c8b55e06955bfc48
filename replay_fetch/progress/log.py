"""Logging of this package: to stderr and to a file, as text or JSON lines, without keys."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

import orjson

from replay_fetch.errors import SettingsError
from replay_fetch.named_file import NamedFile
from replay_fetch.progress.console import Console
from replay_fetch.settings import ShowSettings

# Of a record: it is for --log-file alone, because the terminal shows the same in another form or not at all.
_ONLY_FILE = "only_file"
_LEVELS = {-1: logging.WARNING, 0: logging.INFO, 1: logging.DEBUG}


@contextmanager
def logging_to(console: Console, show: ShowSettings, secrets: Iterable[str] = ()) -> Iterator[None]:
    """Send logs to the console and to ``--log-file`` while the context lasts; other loggers are left alone.

    The secrets come out as ``***``. No secret should be logged in the first place: this is the second lock. Raises
    SettingsError where the file cannot be opened.
    """
    in_file = JsonLines(secrets) if show.log_json else TextLines(secrets)
    on_screen = in_file if show.log_json else TextLines(secrets, console.folded)
    level = _LEVELS[max(-1, min(show.verbosity, 1))]
    logger = logging.getLogger("replay_fetch")
    before = logger.level, logger.propagate
    with ExitStack() as stack:
        handlers: list[logging.Handler] = [_ConsoleHandler(console, level)]
        handlers[0].setFormatter(on_screen)
        if show.log_file:
            file = _opened(show.log_file)
            stack.callback(_close, file)
            # -q is for the terminal: a file that was asked for tells the run's course.
            handlers.append(_FileHandler(file, show.log_file, handlers[0], min(level, logging.INFO)))
            handlers[1].setFormatter(in_file)
        for handler in handlers:
            logger.addHandler(handler)
            stack.callback(logger.removeHandler, handler)
        # The program's own handlers would print each line a second time, and with the secrets in it.
        logger.propagate = False
        logger.setLevel(min(handler.level for handler in handlers))
        try:
            yield
        finally:
            level, logger.propagate = before
            logger.setLevel(level)


def for_log_file(**fields: object) -> dict[str, object]:
    """Return the ``extra`` of a log call that is for ``--log-file`` alone; the fields stand in JSON lines."""
    return {_ONLY_FILE: True, "fields": fields}


def _opened(path: Path) -> TextIO:
    try:
        # For its owner only: ids, URLs and error bodies are nobody else's business.
        return NamedFile("--log-file", path, grows=True).opened()
    except OSError as error:
        raise SettingsError(f"--log-file {str(path)!r} cannot be written: {error.strerror}") from None


def _close(file: TextIO) -> None:
    with suppress(OSError):  # what a full disk left in the buffer; that lines are missing was said
        file.close()


class _Cleaned(logging.Formatter):
    """Removes secrets from a record's texts, and characters that could move a cursor or forge a line."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        hidden = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
        # Longest first: one secret may begin with another.
        self._secret = re.compile("|".join(map(re.escape, sorted(hidden, key=len, reverse=True))) or r"(?!)")

    def message(self, record: logging.LogRecord) -> str:
        """The logged message, on a single line, without secrets and without characters that move a cursor."""
        return self.cleaned(record.getMessage())

    def traceback(self, record: logging.LogRecord) -> list[str]:
        """The lines of the exception in the record, cleaned as messages are; none without an exception."""
        if not record.exc_info:
            return []
        return [self.cleaned(line) for line in self.formatException(record.exc_info).split("\n")]

    def cleaned(self, text: str) -> str:
        """Replace secrets in ``text``, and escape characters that a terminal acts upon."""
        text = self._secret.sub("***", text)
        if text.isprintable():
            return text
        return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class TextLines(_Cleaned):
    """Formats a record as ``2026-02-03T04:05:06Z INFO message``.

    Continued text is indented, and cannot pass for a line of its own.
    """

    def __init__(self, secrets: Iterable[str], folded: Callable[[str], str] = str) -> None:
        super().__init__(secrets)
        self._folded = folded

    def format(self, record: logging.LogRecord) -> str:
        """Format the record as text, folded to the terminal's width, with the traceback's lines indented behind."""
        first = f"{_time(record, 'seconds')} {record.levelname} {self.message(record)}"
        return "\n  ".join([self._folded(first), *self.traceback(record)])


class JsonLines(_Cleaned):
    """Formats a record as a line of JSON: time, level, logger, message, and fields and traceback where given.

    For programs that collect logs; names and types of the fields are part of the interface.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Format the record as JSON; every text in the fields is cleaned too, since a field may hold an API's words."""
        line: dict[str, object] = {
            "time": _time(record, "milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.message(record),
        }
        for name, value in getattr(record, "fields", {}).items():
            line[name] = self.cleaned(value) if isinstance(value, str) else value
        if traceback := self.traceback(record):
            line["traceback"] = traceback
        return orjson.dumps(line, default=str).decode()


def _time(record: logging.LogRecord, precision: str) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec=precision).replace("+00:00", "Z")


class _ConsoleHandler(logging.Handler):
    def __init__(self, console: Console, level: int) -> None:
        super().__init__(level)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, _ONLY_FILE, False):
            return
        try:
            self._console.line(self.format(record))
        except Exception:  # noqa: BLE001 - a log call must not end what it tells about
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        # logging's own way prints the call's arguments, whatever they hold.
        self._console.line(f"a log call failed at {record.pathname}:{record.lineno}")


class _FileHandler(logging.StreamHandler[TextIO]):
    def __init__(self, file: TextIO, path: Path, on_screen: logging.Handler, level: int) -> None:
        super().__init__(file)
        self.setLevel(level)
        self._path = path
        self._on_screen = on_screen
        self._failed = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self._on_screen.handleError(record)
        elif not self._failed:
            # A full disk stops the log, not the run, which has its own word to say about the disk.
            self._failed = True
            words = "--log-file %r lacks lines from here on: %s", (str(self._path), error.strerror or error)
            self._on_screen.handle(logging.LogRecord(record.name, logging.WARNING, __file__, 0, *words, None))
