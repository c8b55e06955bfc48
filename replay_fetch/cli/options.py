"""Add the options that several commands share to their parsers, and make settings of the parsed values.

An option for a setting is declared beside the setting's field (``replay_fetch.option``). Only options for a
single call (``--dry-run``), or for the name of a file with other values, are declared here.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from replay_fetch.errors import SettingsError
from replay_fetch.named_file import NamedFile, require_another
from replay_fetch.option import DAY, SWITCH, Form, Option, default_of, options_of
from replay_fetch.pipeline.place import place
from replay_fetch.settings import ApiSettings, ArchiveSettings, FetchSettings, PlanSettings, Settings, ShowSettings
from replay_fetch.shard import COUNT

if TYPE_CHECKING:
    pass

S = TypeVar("S", ApiSettings, ArchiveSettings, FetchSettings, PlanSettings, ShowSettings)

# Where the API is and who asks: the fields that every command sets which asks it.
SERVER = ("site", "base_url")
QUESTION = ("source", "ts_ms", "max_list_size", "segments_path", "next_path")
PATHS = ("segments_path", "next_path")
PATIENCE = ("max_rate", "retries", "connect_timeout", "read_timeout", "give_up_after")

# By the name that the settings file has: the field that it sets, and its declaration.
# The fields are of different classes, but no two options have one name: the parser would refuse it.
OPTIONS = {
    option.flag[2:]: (name, option)
    for settings in (ApiSettings, FetchSettings, PlanSettings, ArchiveSettings, ShowSettings)
    for name, option in options_of(settings).items()
}

_EPILOG = """\
examples:
  replay-fetch download views.csv archive/
  replay-fetch download 'https://app.datadoghq.eu/rum/replay/...' ticket/
  zcat season.csv.gz | replay-fetch download - archive/ --compress gzip

exit codes: 0 every row ended well; 1 some did not, run again to retry them;
2 usage, settings or an unreadable list: nothing was asked; 3 stopped (keys
refused, disk full, API dead, archive locked): run again; 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments and options of ``download``: kept here, so its help loads no HTTP client."""
    parser.epilog = _EPILOG
    listed = "a list of views or of sessions (CSV, JSON lines; - is stdin), or replay links and session ids"
    parser.add_argument("views", metavar="VIEWS", nargs="*", help=listed)
    parser.add_argument(
        "out", metavar="OUT", type=place, help="archive folder, or s3://, gs://, az://; made or resumed"
    )
    add_download_settings(parser, dry_run="read the list, print the plan, ask nothing")


def add_download_settings(parser: argparse.ArgumentParser, dry_run: str = argparse.SUPPRESS) -> None:
    """Add all options of a download, in a group for each settings class.

    ``dry_run`` is the help of ``--dry-run``, which ``config`` accepts and does not mention: every command line
    of a download can be looked at.
    """
    add_server(parser, *QUESTION)
    plan = parser.add_argument_group("the list")
    add_fields(plan, PlanSettings, "session_column", "view_column", "max_views", "view_only", "shard")
    plan.add_argument("--sessions", metavar="FILE", help="in place of VIEWS: of each session there, all its views")
    plan.add_argument("--refresh", action="store_true", help="ask again for views that may have grown since")
    # The field's None is a download without --refresh; the option says how far back one with it reaches.
    add_option(plan, "refresh_window", options_of(PlanSettings)["refresh_window"], DAY)
    plan.add_argument("--dry-run", action="store_true", help=dry_run)
    add_fields(parser.add_argument_group("asking"), FetchSettings, "workers", "memory_limit", *PATIENCE, "grace")
    add_fields(parser.add_argument_group("the archive"), ArchiveSettings)
    engine = parser.add_argument_group("on an engine")
    add_engine(engine)
    engine.add_argument(
        "--shards", metavar="N", type=int, help="number of shards; default: the archive's, or one a worker"
    )
    add_shown(parser)


def add_server(parser: argparse.ArgumentParser, *more: str) -> argparse._ArgumentGroup:
    """Add the server, the files of keys and settings, and the named fields of `ApiSettings`, in one group."""
    group = parser.add_argument_group("the API")
    add_fields(group, ApiSettings, *SERVER)
    group.add_argument("--env-file", metavar="FILE", type=Path, help="keys and site as NAME=value lines")
    group.add_argument("--config", metavar="FILE", type=Path, help="settings as TOML, named as the options are")
    add_fields(group, FetchSettings, "ca_file")
    if more:
        add_fields(group, ApiSettings, *more)
    return group


def add_engine(group: argparse._ActionsContainer) -> None:
    """Add the engine's name and the address of its scheduler; `check_engine` refuses one without the other."""
    group.add_argument("--engine", choices=("dask",), help="spread the work over a cluster, or over this machine")
    group.add_argument("--scheduler", metavar="ADDRESS", help="of a cluster, such as tcp://host:8786")


def check_engine(options: argparse.Namespace) -> None:
    """Raise SettingsError where a scheduler, or a number of shards, is named without an engine."""
    if options.engine is not None:
        return
    if options.scheduler is not None:
        raise SettingsError(f"--scheduler {options.scheduler} needs --engine dask")
    # The variable of the same name is no mistake: it completes those of an array job, for --shard auto.
    if getattr(options, "shards", None) is not None and not os.environ.get(COUNT):
        raise SettingsError(f"--shards {options.shards} needs --engine dask; one shard of a list is --shard I/N")


def add_shown(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add the options of progress and log: the named fields of `ShowSettings`, or all of them, then `add_output`."""
    group = parser.add_argument_group("what is shown")
    add_fields(group, ShowSettings, *names)
    add_output(group)


def add_output(
    group: argparse._ActionsContainer, forms: argparse._ActionsContainer | None = None, *, json: str = "the summary"
) -> None:
    """Add the options that every command takes: ``-q``, ``-v`` and ``--json``.

    ``forms`` is a group of options that exclude each other, where ``--json`` is one of several forms of output.
    ``json`` names the subject of its help.
    """
    # Counted, not switched: a settings file's quiet and the command line's -v cancel out.
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
    """Add the options of a settings class: the named fields, or all. Each value is stored under the field's name."""
    for name, option in options_of(settings).items():
        if name in names or not names:
            add_option(group, name, option, default_of(settings, name))


def add_option(group: argparse._ActionsContainer, name: str, option: Option, default: object) -> None:
    """Add one declared option to a parser; where the default is a number, the help ends in that number."""
    if option.form is SWITCH:
        group.add_argument(option.flag, dest=name, action="store_true", default=default, help=option.help)
        return
    # A word's or a path's default is told by the help itself, in a sentence where it is not the plain value.
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
    """Return a form's reader as argparse wants it: the words of an ArgumentTypeError, and no other, reach the user."""
    if isinstance(form.read, type):
        return form.read  # int, float, str and Path: argparse names the type

    def read(text: str) -> object:
        try:
            return form.read(text)
        except ValueError as reason:
            raise argparse.ArgumentTypeError(str(reason)) from None

    return read


def settings_from(options: argparse.Namespace, workers: int | None = None) -> Settings:
    """Make all settings of parsed options; a field whose option the command lacks keeps its default.

    ``workers`` replaces the field for commands that ask for a page only after the page before. Raises
    SettingsError for values out of range.
    """
    # One field depends on two options: --refresh whether, --refresh-window how far back.
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
    """Make the settings of log and progress, the one group that every command has: by `add_output` or `add_shown`."""
    return replace(_made(ShowSettings, options), verbosity=options.verbose - options.quiet)


def check_shown_files(show: ShowSettings, *read: object) -> None:
    """Raise SettingsError where the log or the metrics would go into a file that is read, or into an archive's own."""
    for flag, path in (("--log-file", show.log_file), ("--metrics-file", show.metrics_file)):
        if path is not None:
            require_another(flag, path, *read)
            NamedFile(flag, path, grows=True)


def _made(settings: type[S], options: argparse.Namespace) -> S:
    """Make a settings class of the parsed options that the fields declare; raises SettingsError."""
    return settings(**{name: getattr(options, name) for name in options_of(settings) if hasattr(options, name)})
