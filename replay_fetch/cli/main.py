"""Finding the command, running it, and turning what went wrong into a message and an exit code."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from replay_fetch.cli.output import complain
from replay_fetch.errors import InputError, ReplayFetchError, SettingsError

USAGE, STOPPED, INTERRUPTED = 2, 3, 130


class _Command(NamedTuple):
    module: str
    """Has ``add_options(parser)`` and ``run(options) -> exit code``; imported only when it is called."""
    summary: str


_COMMANDS = {
    "download": _Command("replay_fetch.cli.download", "bring a list of views home, one file per session"),
    "discover": _Command("replay_fetch.cli.discover", "search for views with a recording, and list them"),
    "decode": _Command("replay_fetch.cli.decode", "read raw pages again with other paths, without asking the API"),
    "demo": _Command("replay_fetch.cli.demo", "the same against a built-in simulator of the API; needs no keys"),
    "simulate": _Command("replay_fetch.cli.simulate", "serve the simulator until stopped"),
    "probe": _Command("replay_fetch.cli.probe", "one request: what the API answers, and which flags to set"),
    "status": _Command("replay_fetch.cli.status", "what an archive holds and what it still lacks"),
    "show": _Command("replay_fetch.cli.show", "sessions of an archive, or the timeline of one"),
    "report": _Command("replay_fetch.cli.report", "one HTML page of an archive's last run"),
    "export": _Command("replay_fetch.cli.export", "views and segments as Parquet, for DuckDB and pandas"),
    "verify": _Command("replay_fetch.cli.verify", "re-read every file of an archive against its manifest"),
}

_EPILOG = """\
exit codes: 0 every row ended well · 1 some did not, run again to retry them · 2 usage, settings or an
unreadable list · 3 stopped (keys refused, disk full, API dead, archive locked), safe to run again ·
130 interrupted

keys: DD_API_KEY and DD_APP_KEY, or DD_BEARER_TOKEN, in the environment or in --env-file; DD_SITE names
the site
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        _let_signals_interrupt()
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except ReplayFetchError as error:
        complain(error)
        return exit_code_of(error)
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(arguments: Sequence[str]) -> int:
    options = _parser(arguments).parse_args(arguments)
    code: int = import_module(_COMMANDS[options.command].module).run(options)
    return code


def _let_signals_interrupt() -> None:
    """SIGTERM and SIGHUP end a command as Ctrl-C does, unless they are ignored; a run hears them itself."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def exit_code_of(error: ReplayFetchError) -> int:
    """2 where nothing was asked, 3 where a run was stopped."""
    return USAGE if isinstance(error, (SettingsError, InputError)) else STOPPED


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """All commands by name; only the one that is called gets its options, so that ``--help`` is quick."""
    parser = argparse.ArgumentParser(
        prog="replay-fetch",
        description="Get Datadog RUM Session Replay recordings out, in bulk.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    version = f"replay-fetch {_version()}" if "--version" in arguments else ""
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    called = next((word for word in arguments if not word.startswith("-")), "")
    for name, command in _COMMANDS.items():
        added = commands.add_parser(name, help=command.summary, description=command.summary, allow_abbrev=False)
        if name == called:
            import_module(command.module).add_options(added)
    return parser


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - 15 ms that only --version needs

    try:
        return version("replay-fetch")
    except ModuleNotFoundError:  # PackageNotFoundError is one: a checkout that was never installed
        return "(not installed)"
