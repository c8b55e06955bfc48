"""The search that ``discover`` is asked for: its options, and the query, window and sessions made of them."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

from replay_fetch.api.endpoint import check_id
from replay_fetch.api.search import REPLAYED_VIEWS, SearchWords, Window
from replay_fetch.cli.listing import CUT, is_cut_id, source_of
from replay_fetch.errors import SettingsError
from replay_fetch.ledger.wanted import SessionEntry, WantedSessions
from replay_fetch.pipeline.discover import Wanted
from replay_fetch.pipeline.session_list import sessions_of_list
from replay_fetch.settings import ApiSettings, PlanSettings, Settings
from replay_fetch.timestamps import timestamp_ms
from replay_fetch.view_list.links import given_link, has_link
from replay_fetch.view_list.source import ListSource

# A day is the list of a nightly job.
_FROM, _FROM_OF_SESSIONS = "now-24h", "now-30d"
# Rows that cannot be used and are named one by one.
_MOST_NAMED = 20
log = logging.getLogger(__name__)


def add_search(parser: argparse.ArgumentParser) -> None:
    """Add the sessions to look in, the query, its plain words, and the window of time."""
    which = parser.add_argument_group("whose views")
    listed = "sessions to look in: replay links and ids, or a list of such; default: all"
    which.add_argument("views", metavar="SESSION", nargs="*", help=listed)
    which.add_argument("--sessions", metavar="FILE", help="the same, from a list; - is stdin")
    # A file of ids that was made elsewhere leaves a carriage return on each of them.
    which.add_argument(
        "--session", type=str.strip, metavar="ID", nargs="+", action="extend", default=[], help="only these, or links"
    )
    which.add_argument("--playlist", type=str.strip, metavar="ID", default="", help="only views of its sessions")
    which.add_argument("--application", type=str.strip, metavar="ID", default="", help="only this application's views")
    which.add_argument("--user", metavar="ID|EMAIL", type=str.strip, default="", help="only this person's views")
    which.add_argument("--url", metavar="PATTERN", type=str.strip, default="", help="a part of the URL, or all with *")
    which.add_argument("--error", action="store_true", help="only views in which an error was counted")
    which.add_argument("--query", metavar="Q", default=REPLAYED_VIEWS, help="a RUM search (%(default)s)")
    when = parser.add_argument_group("when they began")
    # Sessions bound the search by themselves: 30 days is as long as their events are kept.
    when.add_argument("--since", metavar="AGE", default=None, help="the same as --from: 7d, 1h, 30min, 1mo")
    when.add_argument("--from", metavar="TIME", dest="begin", help=f"default: {_FROM}, of sessions {_FROM_OF_SESSIONS}")
    when.add_argument("--to", metavar="TIME", dest="end", default="now", help="default: now")
    when.add_argument("--limit", metavar="N", type=int, default=None, help="end after N views, the oldest first")


@contextmanager
def wanted_search(options: argparse.Namespace, now_ms: int, settings: Settings) -> Iterator[Wanted]:
    """Make the search out of the options; the list of sessions is read, and kept until the context is left.

    Raises SettingsError for bad ids, and for a window that ends before it starts; InputError for a bad list.
    """
    if options.limit is not None and options.limit < 1:
        raise SettingsError("--limit must be at least 1")
    source = _source(options)
    by_session = bool(source is not None or options.session or options.playlist)
    window = _window(options, now_ms, _FROM_OF_SESSIONS if by_session else _FROM)
    for flag, text in (("--application", options.application), ("--playlist", options.playlist)):
        if text:
            _check(flag, text)
    named = [_session(text, settings.api) for text in options.session]
    wanted = Wanted(
        SearchWords(options.user, options.url, options.error).query(options.query),
        window,
        options.application,
        named,
        options.playlist,
        options.limit,
    )
    if source is None:
        yield wanted
        return
    whole = replace(settings, plan=PlanSettings(whole_sessions=True))
    with sessions_of_list(source, whole, map(_entry, named)) as sessions:
        yield replace(wanted, sessions=sessions)


def warn_of_unusable(wanted: Wanted) -> int:
    """Warn of the rows of the list that name no session, the first twenty by line; returns how many there are."""
    sessions = wanted.sessions
    if not isinstance(sessions, WantedSessions):
        return 0
    for entry in islice(sessions.unusable(), _MOST_NAMED):
        log.warning("line %d: %s; the row is left out", entry.line, entry.reason)
    return sessions.unusable_rows


def _source(options: argparse.Namespace) -> ListSource | None:
    if options.sessions is not None and options.views:
        raise SettingsError("name the sessions as arguments or with --sessions, not both")
    if options.sessions is not None:
        file: str = options.sessions
        return file
    return source_of(options.views) if options.views else None


def _window(options: argparse.Namespace, now_ms: int, default: str) -> Window:
    if options.since is not None and options.begin is not None:
        raise SettingsError("--since and --from mean the same; give one of them")
    flag = "--from" if options.since is None else "--since"
    begin = options.since or options.begin or default
    window = Window(timestamp_ms(begin, now_ms, flag), timestamp_ms(options.end, now_ms, "--to"))
    if window.length_ms <= 0:
        whole_day = "" if window.length_ms else "; for all of a day name the next one in --to"
        raise SettingsError(f"{flag} {begin} is not before --to {options.end}{whole_day}")
    return window


def _session(text: str, api: ApiSettings) -> str:
    """Read a session's id or a link to one; a link to another site raises InputError."""
    if not has_link(text):
        _check("--session", text)
        if is_cut_id(text):  # to the search it is another id, of which there is nothing
            raise SettingsError(f"--session '{text}': {CUT}")
        return text
    try:
        return given_link(text, "--session", api).session_id
    except ValueError as reason:
        raise SettingsError(f"--session: {reason}") from None


def _entry(session_id: str) -> SessionEntry:
    return SessionEntry(0, session_id)


def _check(flag: str, text: str) -> None:
    """Raise a SettingsError that names the flag where a text is no id: as a part of a query it could widen that."""
    try:
        check_id(text)
    except ValueError as reason:
        raise SettingsError(f"{flag}: {reason}") from None
