"""Options that several commands take, and the settings that they make.

An option that sets a field is declared beside that field (``replay_fetch.option``). The few declared here set
none: they name a file that others are read from, or say something of one call.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from replay_fetch.option import DAY, SWITCH, Form, Option, default_of, options_of
from replay_fetch.settings import ApiSettings, ArchiveSettings, FetchSettings, PlanSettings, Settings, ShowSettings

S = TypeVar("S", ApiSettings, ArchiveSettings, FetchSettings, PlanSettings, ShowSettings)

# Where the API is and who asks: the fields that every command sets which asks it.
SERVER = ("site", "base_url")
QUESTION = ("source", "ts_ms", "max_list_size", "segments_path", "next_path")
PATHS = ("segments_path", "next_path")
PATIENCE = ("max_rate", "retries", "connect_timeout", "read_timeout", "give_up_after")

# By the name that the settings file has: the field that it sets, and its declaration.
OPTIONS = {
    option.flag[2:]: (name, option)
    for settings in (ApiSettings, FetchSettings, PlanSettings, ArchiveSettings, ShowSettings)
    for name, option in options_of(settings).items()
}

_EPILOG = """\
examples:
  replay-fetch download views.csv archive/
  zcat season.csv.gz | replay-fetch download - archive/ --compress gzip

exit codes: 0 every row ended well; 1 some did not, run again to retry them;
2 usage, settings or an unreadable list: nothing was asked; 3 stopped (keys
refused, disk full, API dead, archive locked): run again; 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments and options of ``download``, without loading what carries it out."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("views", metavar="VIEWS", help="CSV of session and view ids; - is stdin, gzip is read as is")
    parser.add_argument("out", metavar="OUT", type=Path, help="archive folder, created or resumed")
    add_download_settings(parser, dry_run="read the list, print the plan, ask nothing")


def add_download_settings(parser: argparse.ArgumentParser, dry_run: str = argparse.SUPPRESS) -> None:
    """Add all options of a download, by the settings class that they fill; ``dry_run`` is that option's help."""
    add_server(parser, *QUESTION)
    plan = parser.add_argument_group("the list")
    add_fields(plan, PlanSettings, "session_column", "view_column", "max_views")
    plan.add_argument("--refresh", action="store_true", help="ask again for views that may have grown since")
    # The field's None is a download without --refresh; the option says how far back one with it reaches.
    add_option(plan, "refresh_window", options_of(PlanSettings)["refresh_window"], DAY)
    plan.add_argument("--dry-run", action="store_true", help=dry_run)
    add_fields(parser.add_argument_group("asking"), FetchSettings, "workers", "memory_limit", *PATIENCE)
    add_fields(parser.add_argument_group("the archive"), ArchiveSettings)
    add_shown(parser)


def add_server(parser: argparse.ArgumentParser, *more: str) -> argparse._ArgumentGroup:
    """Add where the API is and who asks, and the named fields of `ApiSettings`."""
    group = parser.add_argument_group("the API")
    add_fields(group, ApiSettings, *SERVER)
    group.add_argument("--env-file", metavar="FILE", type=Path, help="keys and site as NAME=value lines")
    group.add_argument("--config", metavar="FILE", type=Path, help="settings as TOML, named as the options are")
    add_fields(group, FetchSettings, "ca_file")
    if more:
        add_fields(group, ApiSettings, *more)
    return group


def add_shown(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add what a run shows and logs, and where: all fields of `ShowSettings`, or the named ones."""
    group = parser.add_argument_group("what is shown")
    add_fields(group, ShowSettings, *names)
    add_output(group)


def add_output(
    group: argparse._ActionsContainer, forms: argparse._ActionsContainer | None = None, *, json: str = "the summary"
) -> None:
    """Add what every command takes: ``-q``, ``-v`` and ``--json``, which may exclude other ``forms`` of output."""
    group.add_argument("-q", "--quiet", action="count", default=0, help="warnings and errors only")
    group.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="say more: what the pacer and the retries do, a defect's traceback",
    )
    (forms or group).add_argument("--json", action="store_true", help=f"{json} as JSON")


def add_fields(group: argparse._ActionsContainer, settings: type[S], *names: str) -> None:
    """Add the options of a settings class, all of them where none is named; each is stored under its field's name."""
    for name, option in options_of(settings).items():
        if name in names or not names:
            add_option(group, name, option, default_of(settings, name))


def add_option(group: argparse._ActionsContainer, name: str, option: Option, default: object) -> None:
    """Add one declared option; its help ends in the default where that is a number."""
    if option.form is SWITCH:
        group.add_argument(option.flag, dest=name, action="store_true", default=default, help=option.help)
        return
    is_number = isinstance(default, int | float) and not isinstance(default, bool)
    group.add_argument(
        option.flag,
        dest=name,
        type=_reader(option.form),
        default=default,
        metavar=option.metavar,
        help=f"{option.help} ({option.form.write(default)})" if is_number else option.help,
    )


def _reader(form: Form) -> Callable[[str], object]:
    """A form's reader as argparse wants it, which repeats the words of this error alone."""
    if isinstance(form.read, type):
        return form.read  # int, float, str and Path: argparse names the type

    def read(text: str) -> object:
        try:
            return form.read(text)
        except ValueError as reason:
            raise argparse.ArgumentTypeError(str(reason)) from None

    return read


def settings_from(options: argparse.Namespace, workers: int | None = None) -> Settings:
    """The settings that parsed options stand for; a command without an option leaves its field as it is.

    ``workers`` replaces that field for a command that never asks for more at once. Raises SettingsError.
    """
    refresh = getattr(options, "refresh", False)
    fetch = _made(FetchSettings, options)
    plan = _made(PlanSettings, options)
    return Settings(
        api=_made(ApiSettings, options),
        fetch=fetch if workers is None else replace(fetch, workers=workers),
        plan=plan if refresh else replace(plan, refresh_window=None),
        archive=_made(ArchiveSettings, options),
        show=show_settings(options),
    )


def show_settings(options: argparse.Namespace) -> ShowSettings:
    """The part of the settings that every command has: `add_output` makes it, or `add_shown`."""
    return replace(_made(ShowSettings, options), verbosity=options.verbose - options.quiet)


def _made(settings: type[S], options: argparse.Namespace) -> S:
    return settings(**{name: getattr(options, name) for name in options_of(settings) if hasattr(options, name)})
