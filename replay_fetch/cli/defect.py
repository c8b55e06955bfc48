"""Report a defect of the program: one line for the user, a traceback for the developer, no key in either.

Python would print the traceback with all it quotes, and end with 1, which scripts read as "some rows did not
end well".
"""

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
from replay_fetch.progress.console import Console
from replay_fetch.progress.log import TextLines, logging_to
from replay_fetch.settings import ShowSettings

log = logging.getLogger(__name__)

# The operating system's to refuse, wherever in the program it comes up: the machine is to be mended, not the program.
_REFUSALS = {*ADVICE, errno.EIO, errno.EROFS, errno.ESTALE, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOMEM}


def confess(error: Exception, options: argparse.Namespace) -> None:
    """Print an unexpected exception on one line, and log its traceback.

    The log is ``--log-file``, and stderr with ``-v``. ``options`` are empty for a defect that came before the
    command line was read: the traceback then goes to stderr. An OSError that only the machine can mend (a full
    disk, no memory) is no defect and gets advice in place of a traceback.
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
        # A text that cannot be cleaned of keys is not shown.
        kind = type(defect).__name__
        complain(_told(f"{kind}; its text is left out: it may hold keys, and --env-file cannot be read any more"))
        return
    text = " ".join("".join(traceback.format_exception_only(defect)).split())
    what = printable(TextLines(secrets).cleaned(text), 1000)
    complain(_told(f"{what}; {_logged(error, options, secrets)}"))


def _let_go(error: Exception) -> None:
    """Free all objects in the error's frames: an event loop that was half made would complain on stderr at exit."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        traceback.clear_frames(error.__traceback__)
    finally:
        sys.unraisablehook = hook


def _told(what: str) -> ReplayFetchError:
    return ReplayFetchError(f"a defect in replay-fetch, please report it: {what}")


def _first(error: Exception) -> Exception:
    """Return the defect itself, out of the exception groups in which tasks wrap an error, ours beside it."""
    if not isinstance(error, ExceptionGroup):
        return error
    _, defects = error.split(ReplayFetchError)
    return _first((defects or error).exceptions[0])


def _logged(error: Exception, options: argparse.Namespace, secrets: set[str]) -> str:
    """Log the traceback in the form that ``--log-format`` asks for; returns the half sentence that says where."""
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
    """Collect all texts that may be keys, each in the forms in which a message or JSON quotes a text.

    Raises SettingsError where ``env_file`` cannot be read.
    """
    names = [name for name in os.environ if name.startswith(("DD_", "DATADOG_")) and name.endswith(("KEY", "TOKEN"))]
    keys = {os.environ[name].strip() for name in names}
    if env_file is not None:
        used = credentials(os.environ, env_file)
        keys |= {used.api_key, used.app_key, used.bearer_token}
    return {form for key in keys for form in (key, repr(key)[1:-1], json.dumps(key)[1:-1])}
