"""A defect of ours: a line for whoever ran the command, the traceback for whoever is to mend it; no key in either."""

from __future__ import annotations

import argparse
import errno
import io
import json
import logging
import os
import sys
import traceback
from pathlib import Path

from replay_fetch.archive.durable import ADVICE, refused
from replay_fetch.cli.output import complain
from replay_fetch.environment import credentials
from replay_fetch.errors import ReplayFetchError, SettingsError
from replay_fetch.printable import printable
from replay_fetch.progress import Console, logging_to
from replay_fetch.progress.log import TextLines
from replay_fetch.settings import ShowSettings

log = logging.getLogger(__name__)

# The operating system's to refuse, wherever in the program it comes up: the machine is to be mended, not the program.
_REFUSALS = {*ADVICE, errno.EIO, errno.EROFS, errno.ESTALE, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOMEM}


def confess(error: Exception, options: argparse.Namespace) -> None:
    """Tell of an exception that nobody meant to raise.

    The traceback is logged: to ``--log-file``, and to stderr with ``-v``. ``options`` are empty where they had
    not been read yet: the traceback then goes to stderr, too.
    """
    env_file: Path | None = getattr(options, "env_file", None)
    defect = _first(error)
    if isinstance(defect, OSError) and defect.errno in _REFUSALS:
        complain(refused("stopped", defect))
        _let_go(error)
        return
    try:
        secrets = _secrets(env_file)
    except ReplayFetchError:
        # What cannot be cleaned is not shown.
        kind = type(defect).__name__
        complain(_told(f"{kind}; its text is left out: it may hold keys, and --env-file cannot be read any more"))
        return
    text = " ".join("".join(traceback.format_exception_only(defect)).split())
    what = printable(TextLines(secrets).cleaned(text), 1000)
    complain(_told(f"{what}; {_logged(error, options, secrets)}"))


def _let_go(error: Exception) -> None:
    """Free what the error's frames hold: an event loop that was half made would complain of itself on stderr."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        traceback.clear_frames(error.__traceback__)
    finally:
        sys.unraisablehook = hook


def _told(what: str) -> ReplayFetchError:
    return ReplayFetchError(f"a defect in replay-fetch, please report it: {what}")


def _first(error: Exception) -> Exception:
    """The defect itself, out of the groups that tasks wrap it in."""
    if not isinstance(error, ExceptionGroup):
        return error
    _, defects = error.split(ReplayFetchError)
    return _first((defects or error).exceptions[0])


def _logged(error: Exception, options: argparse.Namespace, secrets: set[str]) -> str:
    """Log the traceback; returns where it is."""
    as_json = getattr(options, "log_json", False)
    verbose = getattr(options, "verbose", 1) > getattr(options, "quiet", 0)
    file: Path | None = getattr(options, "log_file", None)
    console = Console() if verbose else Console(io.StringIO())
    try:
        with logging_to(console, ShowSettings(log_json=as_json, log_file=file), secrets):
            log.error("a defect", exc_info=error)
    except SettingsError:  # the file was there when the command began
        file = None
    if file is not None:
        return f"its traceback is in {file}"
    return "its traceback is above" if verbose else "the same command with -v shows its traceback"


def _secrets(env_file: Path | None) -> set[str]:
    """Everything that may be a key, in the forms in which texts quote it; raises SettingsError without ``env_file``."""
    names = [name for name in os.environ if name.startswith(("DD_", "DATADOG_")) and name.endswith(("KEY", "TOKEN"))]
    keys = {os.environ[name].strip() for name in names}
    if env_file is not None:
        used = credentials(os.environ, env_file)
        keys |= {used.api_key, used.app_key, used.bearer_token}
    return {form for key in keys for form in (key, repr(key)[1:-1], json.dumps(key)[1:-1])}
