"""The list that a command line names: a file, standard input, or replay links and session ids as arguments."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from replay_fetch.errors import InputError, SettingsError
from replay_fetch.printable import as_argument, printable
from replay_fetch.settings import Settings
from replay_fetch.view_list.links import has_link
from replay_fetch.view_list.session_rows import is_bare
from replay_fetch.view_list.source import STDIN, ListSource, Words

# Of the web alone: a list may lie in a bucket.
_ADDRESS = re.compile(r"https?(?:://|%3A%2F%2F)", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@/]+@[^\s@/]+\.[^\s@/.]+")
CUT = "as a session id it is cut short: give all its 36 characters, or a replay link"
_CUT_ID = re.compile(r"(?=.*\d)(?=.{4,35}\Z)[0-9a-f]{4,8}(?:-[0-9a-f]*){0,4}", re.IGNORECASE)


def list_of(options: argparse.Namespace, settings: Settings) -> tuple[ListSource, Settings]:
    """Return the list that ``download`` is given, and the settings to read it by.

    Raises SettingsError where no list is named or two are, InputError for a word that is no list.
    """
    words: Sequence[str] = options.views
    if options.sessions is not None:
        if words:
            raise SettingsError(f"--sessions {options.sessions} names a list, and '{printable(words[0], 60)}' another")
        return options.sessions, replace(settings, plan=replace(settings.plan, whole_sessions=True))
    if not words:
        only = str(options.out)
        if only == STDIN or _names_session(only) or Path(only).is_file():
            raise SettingsError(f"OUT is missing: replay-fetch download {as_argument(printable(only, 200))} OUT")
        out = as_argument(printable(only, 200))
        raise SettingsError(
            f"VIEWS is missing: replay-fetch download VIEWS {out}, or --sessions FILE in place of VIEWS"
        )
    return source_of(words), settings


def source_of(words: Sequence[str]) -> ListSource:
    """Return the list that words name: a single file or ``-``, or links and ids; raises InputError.

    A file of the name wins over an id. A word that looks like neither is taken for the name of a missing file.
    """
    first = words[0]
    for word in words:
        if word != STDIN and not Path(word).exists() and (other := _no_file_either(word)):
            raise InputError(f"'{printable(word, 200)}' {other}")
    if len(words) == 1 and (first == STDIN or not _names_session(first)):
        return first
    for word in words:
        if not _names_session(word):
            raise InputError(
                f"'{printable(word, 60)}' is neither a session id nor a replay link; lists are named one at a time: "
                "replay-fetch download LIST OUT"
            )
    return Words(words)


def is_cut_id(word: str) -> bool:
    """Tell whether a word looks like the beginning of a session's id, as lists on a screen show ids."""
    return _CUT_ID.fullmatch(word) is not None


def _no_file_either(word: str) -> str:
    """Tell the kind of a word, such as an e-mail address, that is given for a session; empty for ids and links."""
    if _names_session(word):
        return ""
    if _ADDRESS.search(word):
        return "is a web address, but no replay link: those read https://app.SITE/rum/replay/sessions/SESSION?seed=VIEW"
    if is_cut_id(word):
        return f"is no file, and {CUT}"
    if _EMAIL.fullmatch(word):
        return (
            "is no file; a person's sessions are found by: "
            f"replay-fetch discover --user {as_argument(word)} --since 30d"
        )
    return ""


def _names_session(word: str) -> bool:
    return has_link(word) or (is_bare(word) and not Path(word).exists())
