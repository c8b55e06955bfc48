"""Log the beginning and the end of a command for ``--log-file``: a run's account that needs no terminal.

The terminal shows the same in other forms: the command line itself, the bar, the summary on stdout.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import orjson

from replay_fetch.pipeline.progress_feed import plain_settings
from replay_fetch.progress.log import for_log_file
from replay_fetch.settings import Settings

log = logging.getLogger(__name__)


@contextmanager
def begun(command: str, about: Mapping[str, str], settings: Settings) -> Iterator[None]:
    """Log the command, its list and archive, the process, and the settings; no key is among the settings.

    An exception that leaves the context is logged, too, so no log file breaks off without a reason.
    """
    pid, host = os.getpid(), socket.gethostname()
    said = ", ".join(f"{name} {value}" for name, value in about.items())
    log.info("%s began: %s, pid %d on %s", command, said, pid, host, extra=for_log_file(**about, pid=pid, host=host))
    groups = plain_settings(settings)
    log.info("settings: %s", orjson.dumps(groups).decode(), extra=for_log_file(settings=groups))
    try:
        yield
    except BaseException as error:
        said = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
        log.error("%s ended: %s", command, said, extra=for_log_file())  # noqa: TRY400 - a traceback is told where it is a defect
        raise


def log_end(command: str, lines: Iterable[str], failure: Exception | None, exit_code: int) -> None:
    """Log the summary line by line, the failure that stopped the command if any, and the exit code."""
    for line in lines:
        log.info("%s", line, extra=for_log_file())
    if failure is not None:
        log.error("%s", failure, extra=for_log_file())
    log.info("%s ended with exit code %d", command, exit_code, extra=for_log_file(exit_code=exit_code))
