"""Finding the command, running it, and turning what went wrong into a message and an exit code."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import NamedTuple, NoReturn

from replay_fetch.cli.output import complain
from replay_fetch.cli.parser import USAGE, Parser, nearest
from replay_fetch.errors import InputError, ReplayFetchError, SettingsError

STOPPED, INTERRUPTED = 3, 130


class _Command(NamedTuple):
    module: str
    """Has ``run(options) -> exit code``; imported only when it is called."""
    summary: str
    options: str = ""
    """The module that has ``add_options(parser)``, where that is not the same."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments and options."""
        import_module(self.options or self.module).add_options(parser)


COMMANDS = {
    "download": _Command(
        "replay_fetch.cli.download",
        "bring a list of views home, one file per session",
        options="replay_fetch.cli.download_options",
    ),
    "discover": _Command("replay_fetch.cli.discover", "search for views with a recording, and list them"),
    "decode": _Command("replay_fetch.cli.decode", "read raw pages again with other paths, without asking the API"),
    "demo": _Command("replay_fetch.cli.demo", "the same against a built-in simulator of the API; needs no keys"),
    "simulate": _Command("replay_fetch.cli.simulate", "serve the simulator until stopped"),
    "probe": _Command("replay_fetch.cli.probe", "one request: what the API answers, and which flags to set"),
    "status": _Command("replay_fetch.cli.status", "what an archive holds and what it still lacks"),
    "show": _Command("replay_fetch.cli.show", "sessions of an archive, or the timeline of one"),
    "report": _Command("replay_fetch.cli.report", "one HTML page of an archive's last run"),
    "play": _Command("replay_fetch.cli.play", "watch a session offline, in the browser"),
    "transcript": _Command("replay_fetch.cli.transcript", "what was seen and done in a session, in words"),
    "snapshot": _Command("replay_fetch.cli.snapshot", "a recorded page as it stood at a time, as HTML"),
    "scrub": _Command("replay_fetch.cli.scrub", "a copy without what people typed or read, to hand on"),
    "export": _Command("replay_fetch.cli.export", "tables for DuckDB and pandas, events for rrweb's players"),
    "verify": _Command("replay_fetch.cli.verify", "re-read every file of an archive against its manifest"),
    "config": _Command("replay_fetch.cli.config", "the settings in force, and where each comes from"),
    "completion": _Command("replay_fetch.cli.completion", "completion of commands and options for a shell"),
    "help": _Command("replay_fetch.cli.help", "a guide, such as `help recipes`; without a topic, all of them"),
}

_GROUPS = {
    "bring recordings home": ("download", "discover", "demo"),
    "look at an archive": ("status", "show", "report", "export", "verify", "decode"),
    "look at a recording": ("play", "transcript", "snapshot", "scrub"),
    "look at the API": ("probe", "simulate"),
    "set up and learn": ("config", "completion", "help"),
}

_EPILOG = """\
exit codes:
    0  every row ended well
    1  some did not; run again to retry them
    2  usage, settings or an unreadable list; nothing was asked
    3  stopped: keys refused, disk full, API dead, archive locked; run again
  130  interrupted

keys: DD_API_KEY and DD_APP_KEY, or DD_BEARER_TOKEN, in the environment or in
the file named with --env-file; DD_SITE names the site
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = argparse.Namespace()
    try:
        _let_signals_interrupt()
        return _run(sys.argv[1:] if arguments is None else list(arguments), options)
    except ReplayFetchError as error:
        complain(error)
        return exit_code_of(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a defect, which Python would end with 1: some rows did not end well
        from replay_fetch.cli.defect import confess  # noqa: PLC0415 - brings much along that --help does not need

        confess(error, options)
        return STOPPED


def _run(arguments: Sequence[str], options: argparse.Namespace) -> int:
    """``options`` is filled in, so that the caller has them whatever comes of it."""
    name = next((word for word in arguments if not word.startswith("-")), "")
    if name not in COMMANDS:
        _without_command(name, arguments)
    words = list(arguments)
    words.remove(name)
    parser = command_parser(name)
    if "--config" in parser.flags:
        _settle(parser, words)
    parser.check_flags(words)
    parser.parse_words(words, options)
    code: int = import_module(COMMANDS[name].module).run(options)
    return code


def command_parser(name: str) -> Parser:
    """The parser of one command, with all its options."""
    command = COMMANDS[name]
    parser = Parser(f"replay-fetch {name}", command.summary)
    command.add_options(parser)
    return parser


def _settle(parser: Parser, words: Sequence[str]) -> None:
    """Let the environment and the settings file fill in what is not given; ``config`` shows from where."""
    from replay_fetch.cli.settings_file import settle  # noqa: PLC0415 - for the commands that ask the API only

    def others() -> Iterator[Parser]:
        parsers = map(command_parser, COMMANDS)
        return (other for other in parsers if "--config" in other.flags)

    parser.set_defaults(origins=settle(parser, words, os.environ, others))


def _without_command(word: str, arguments: Sequence[str]) -> NoReturn:
    """``--help``, ``--version``, or a mistake."""
    parser = Parser("replay-fetch", "Get Datadog RUM Session Replay recordings out, in bulk.")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.usage = "replay-fetch COMMAND ...; replay-fetch COMMAND --help tells its options"
    parser.epilog = _commands_help() + _EPILOG
    version = f"replay-fetch {_version()}" if "--version" in arguments else ""
    parser.add_argument("--version", action="version", version=version)
    if word:
        parser.error(f"unknown command {word}{nearest(word, COMMANDS)}")
    parser.check_flags(arguments)
    parser.parse_args(arguments)
    parser.error("a COMMAND is missing")


def _commands_help() -> str:
    lines = []
    for title, names in _GROUPS.items():
        lines += [f"{title}:", *(f"  {name:<12}{COMMANDS[name].summary}" for name in names), ""]
    return "\n".join([*lines, ""])


def _let_signals_interrupt() -> None:
    """SIGTERM and SIGHUP end a command as Ctrl-C does, unless they are ignored; a run hears them itself."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def exit_code_of(error: ReplayFetchError) -> int:
    """2 where nothing was asked, 3 where a run was stopped."""
    return USAGE if isinstance(error, (SettingsError, InputError)) else STOPPED


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - 15 ms that only --version needs

    try:
        return version("replay-fetch")
    except ModuleNotFoundError:  # PackageNotFoundError is one: a checkout that was never installed
        return "(not installed)"
