"""The options of ``download``, by the settings they make."""

from __future__ import annotations

import argparse
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from replay_fetch.cli.quantities import DAY, age, size
from replay_fetch.settings import (
    SITES,
    ApiSettings,
    ArchiveSettings,
    Compression,
    FetchSettings,
    PlanSettings,
    ProgressStyle,
    Settings,
    ShowSettings,
    SourceChoice,
)

_FETCH = FetchSettings()

_EPILOG = """\
examples:
  replay-fetch download views.csv archive/
  zcat season.csv.gz | replay-fetch download - archive/ --compress gzip

exit codes: 0 every row ended well; 1 some did not, run again to retry them;
2 usage, settings or an unreadable list: nothing was asked; 3 stopped (keys
refused, disk full, API dead, archive locked): run again; 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments and options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("views", metavar="VIEWS", help="CSV of session and view ids; - is stdin, gzip is read as is")
    parser.add_argument("out", metavar="OUT", type=Path, help="archive folder, created or resumed")
    add_setting_options(parser, dry_run="read the list, print the plan, ask nothing")


def add_setting_options(parser: argparse.ArgumentParser, dry_run: str = argparse.SUPPRESS) -> None:
    """Add all that is the same from one run to the next; ``dry_run`` is that option's help."""
    add_api_options(parser)
    _add_list_options(parser).add_argument("--dry-run", action="store_true", help=dry_run)
    _add_fetch_options(parser)
    _add_archive_options(parser)
    shown = add_show_options(parser)
    shown.add_argument("--metrics-file", metavar="FILE", type=Path, help="OpenMetrics text, rewritten every 10 s")


def settings_from(options: argparse.Namespace, site: str | None) -> Settings:
    """The settings that parsed options stand for; raises SettingsError.

    ``site`` is the environment's, for where ``--site`` is not given.
    """
    return Settings(
        api=api_settings(options, site),
        fetch=replace(fetch_settings(options, options.workers), memory_limit=options.memory_limit),
        plan=PlanSettings(
            options.session_column,
            options.view_column,
            options.max_views,
            options.refresh_window if options.refresh else None,
        ),
        archive=ArchiveSettings(options.compress, keep_raw=options.keep_raw),
        show=replace(show_settings(options), metrics_file=options.metrics_file),
    )


def fetch_settings(options: argparse.Namespace, workers: int) -> FetchSettings:
    """The part of the settings that `add_patience_options` makes, and how many may ask at once."""
    return FetchSettings(
        workers=workers,
        max_rate=options.max_rate,
        retries=options.retries,
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        give_up_after=options.give_up_after,
        ca_file=options.ca_file,
    )


def show_settings(options: argparse.Namespace) -> ShowSettings:
    """The part of the settings that `add_show_options` makes."""
    return ShowSettings(
        progress=options.progress,
        log_json=options.log_format == "json",
        log_file=options.log_file,
        verbosity=options.verbose - options.quiet,
    )


def api_settings(options: argparse.Namespace, site: str | None) -> ApiSettings:
    """The part of the settings that `add_api_options` makes."""
    return ApiSettings(
        site=options.site or site or SITES[0],
        base_url=options.base_url,
        source=options.source,
        ts_ms=options.ts,
        max_list_size=options.max_list_size,
        segments_path=options.segments_path,
        next_path=options.next_path,
    )


def add_api_options(parser: argparse.ArgumentParser) -> None:
    """Add where the API is, what it is asked and how it is read."""
    group = add_server_options(parser)
    _choice(group, "--source", SourceChoice, SourceChoice.AUTO, "store to read; auto: event_platform, else blob")
    group.add_argument("--ts", metavar="MS", type=int, help="server-side timestamp, passed on as it is")
    group.add_argument("--max-list-size", metavar="BYTES", type=int, help="largest list of segments in one page")
    add_path_options(group)


def add_path_options(group: argparse._ActionsContainer) -> None:
    """Add where things are in an answer."""
    group.add_argument("--segments-path", metavar="A.B", default="", help="where the segments are in an answer")
    group.add_argument(
        "--next-path",
        metavar="A.B",
        default="",
        help="where the next page's token is; none: with --segments-path, what looks like one elsewhere is no token",
    )


def add_server_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add where the API is and who asks, in a group that more may be added to."""
    group = parser.add_argument_group("the API")
    group.add_argument("--site", metavar="HOST", help=f"default: $DD_SITE, else {SITES[0]}; known: {', '.join(SITES)}")
    group.add_argument("--base-url", metavar="URL", default="", help="in place of https://api.SITE")
    group.add_argument("--env-file", metavar="FILE", type=Path, help="keys and site as NAME=value lines")
    group.add_argument("--config", metavar="FILE", type=Path, help="settings as TOML, named as the options are")
    group.add_argument("--ca-file", metavar="FILE", type=Path, help="PEM bundle to trust beside the system's")
    return group


def _add_list_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    group = parser.add_argument_group("the list")
    group.add_argument("--session-column", metavar="NAME", default="", help="header of the session ids")
    group.add_argument("--view-column", metavar="NAME", default="", help="header of the view ids")
    group.add_argument("--max-views", metavar="N", type=int, help="only the first N rows")
    group.add_argument("--refresh", action="store_true", help="ask again for views that may have grown since")
    group.add_argument(
        "--refresh-window", metavar="AGE", type=age, default=DAY, help="those not older than this: 36h, 7d (1d)"
    )
    return group


def _add_fetch_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("asking")
    group.add_argument(
        "--workers", metavar="N", type=int, default=_FETCH.workers, help="most requests at once (%(default)s)"
    )
    group.add_argument(
        "--memory-limit",
        metavar="BYTES",
        type=size,
        default=_FETCH.memory_limit,
        help="large pages wait rather than take more: 512MB, 1GB (256MB)",
    )
    add_patience_options(group)


def add_patience_options(group: argparse._ActionsContainer) -> None:
    """Add how fast and how long the API is asked."""
    group.add_argument("--max-rate", metavar="R", type=float, help="most requests a second; default: the API's limit")
    group.add_argument("--retries", metavar="N", type=int, default=_FETCH.retries, help="of one page (%(default)s)")
    for flag, default, what in (
        ("--connect-timeout", _FETCH.connect_timeout, "for a connection"),
        ("--read-timeout", _FETCH.read_timeout, "without a byte"),
        ("--give-up-after", _FETCH.give_up_after, "of nothing but faults, then the run stops"),
    ):
        group.add_argument(flag, metavar="S", type=float, default=default, help=f"seconds {what} (%(default)g)")


def _add_archive_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the archive")
    _choice(group, "--compress", Compression, None, "of session files; default: as the archive was made, none if new")
    group.add_argument("--keep-raw", action="store_true", help="keep every page as it came under raw/, too")


def add_show_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add what is shown and logged, and where, in a group that more may be added to."""
    group = parser.add_argument_group("what is shown")
    _choice(group, "--progress", ProgressStyle, ProgressStyle.AUTO, "auto: a bar on a terminal, else a line every 10 s")
    group.add_argument("--log-format", choices=("text", "json"), default="text", help="of the lines on stderr")
    group.add_argument("--log-file", metavar="FILE", type=Path, help="write the log there as well")
    group.add_argument("-q", "--quiet", action="count", default=0, help="warnings and errors only")
    group.add_argument("-v", "--verbose", action="count", default=0, help="say what the pacer and the retries do")
    group.add_argument("--json", action="store_true", help="the summary as JSON")
    return group


def _choice(
    group: argparse._ArgumentGroup, flag: str, choices: type[StrEnum], default: StrEnum | None, what: str
) -> None:
    def one_of(text: str) -> StrEnum:
        if text not in list(choices):
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(choices)}")
        return choices(text)

    group.add_argument(flag, type=one_of, default=default, metavar="|".join(choices), help=what)
