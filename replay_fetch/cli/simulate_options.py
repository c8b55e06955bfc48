"""Declare the options of ``replay-fetch simulate``: one for each of the simulator's settings, in tables.

A setting is stored under the name of its field, so a whole group of settings is made in one step.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from replay_fetch.cli.options import add_option, add_output
from replay_fetch.option import NUMBER, SWITCH, TEXT, WHOLE, Form, Option, one_of
from replay_fetch.simulator import (
    AuthSettings,
    Fault,
    HoldingSettings,
    LatencySettings,
    LimitHeaderSettings,
    LimitSettings,
    PagingSettings,
    SearchSettings,
    SimulatorSettings,
)

_Group = TypeVar(
    "_Group", HoldingSettings, PagingSettings, SearchSettings, LimitSettings, LimitHeaderSettings, LatencySettings
)

_USUAL = SimulatorSettings()
_PORT = 8642

# Of each group of settings: the field, the flag with its value's name, and the help. WORD is one of a closed set,
# which the help then lists; the form of other values follows from the field's default.
_HOLDING = (
    ("sessions", "--sessions N", "make N sessions of the 8 recorded ones"),
    ("segments_per_view", "--segments-per-view N", "repeat or cut views to N"),
    ("blob_share", "--blob-share P", "share of views that only blob holds"),
    ("overlap", "--overlap", "blob holds all views, not its share alone"),
    ("absent_as", "--absent-as WORD", "answer for the other store's"),
    ("empty_as", "--empty-as WORD", "answer for views without segments"),
)
_PAGING = (
    ("shape", "--shape WORD", "how bodies are laid out"),
    ("page_bytes", "--page-bytes N", "page size without max_list_size"),
    ("page_segments", "--page-segments N", "most segments of a page"),
    ("pages", "--pages N", "cut every view into exactly N pages"),
    ("last_page", "--last-page WORD", "how a chain ends"),
    ("chain", "--chain WORD", "what is wrong with chains of pages"),
    ("chain_share", "--chain-share P", "share of views it is wrong for"),
    ("empty_pages", "--empty-pages N", "empty pages behind the first one"),
    ("expire_page", "--expire-page N", "page whose token has expired"),
    ("expire_status", "--expire-status STATUS", "400, 404 or 410 for it"),
    ("expire_chains", "--expire-chains N", "chains of a view that meet it"),
    ("token_place", "--token-place PATH", "dotted path of the paging token"),
)
_SEARCH = (
    ("events_span", "--events-span S", "seconds over which the views' events are spread"),
    ("events_age", "--events-age S", "they end S seconds before the start"),
    ("page_events", "--page-events N", "most events of a page"),
    ("search_pages", "--search-pages N", "stop silently after N pages"),
    ("search_timeout", "--search-timeout S", "longer windows time out"),
    ("search_patience", "--search-patience S", "seconds until they do"),
    ("search_chain", "--search-chain WORD", "how pages lead on, and what the second is"),
)
_LIMIT = (
    ("limit", "--limit N", "requests a period; 0 is no limit"),
    ("period", "--period S", "its seconds"),
    ("algorithm", "--algorithm WORD", "how requests are counted"),
    ("neighbour", "--neighbour R", "requests a second somebody else spends"),
)
_HEADERS = (
    ("headers", "--headers WORD", "answers that tell the limit"),
    ("reset", "--reset WORD", "what X-RateLimit-Reset holds"),
    ("remaining_on_429", "--remaining-on-429 N", "left, as a 429 has it"),
    ("retry_after", "--retry-after WORD", "on a 429"),
    ("body_429", "--body-429 WORD", "what a 429 carries"),
)
_LATENCY = (
    ("median", "--latency S", "seconds before an answer"),
    ("tail", "--latency-tail X", "at 1, one in 100 takes 10 times"),
)

_EPILOG = """\
keys: those of SIMULATOR_API_KEY and SIMULATOR_APP_KEY, or of
SIMULATOR_BEARER_TOKEN, are taken; where these are not set: simulator-api-key
and simulator-app-key, or simulator-bearer-token.

faults: --fault KIND[:options], as often as wanted, where KIND is a status
(500 502 503 504 512 408 401 403 ...) or one of reset-before reset-body
stall-before stall-body wrong-length truncated html errors no-body not-ready
partial gateway-404:
  503                   the first attempt of every page
  503:burst=3           the first three attempts of every page
  503:single,rate=0.1   the first attempt of one page in ten
  503:rate=0.1          one attempt in ten
  503:sticky,rate=0.1   every attempt, for one view in ten
  503:outage=10..20     everything, from second 10 to second 20

example: replay-fetch simulate --limit 100 --period 10 --fault 503:rate=0.1
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options, in the groups of the settings, with each setting's own default."""
    parser.epilog = _EPILOG
    _add_serving(parser)
    add_output(parser, json="what is served")
    _add(parser.add_argument_group("what is held"), _USUAL.holding, _HOLDING)
    _add(parser.add_argument_group("pages"), _USUAL.paging, _PAGING)
    search = parser.add_argument_group("events search", "Playlist N holds the first N sessions.")
    _add(search, _USUAL.search, _SEARCH)
    limit = parser.add_argument_group("rate limit")
    _add(limit, _USUAL.limit, _LIMIT)
    limit.add_argument(
        "--limit-change",
        dest="changes",
        type=_limit_change,
        action="append",
        default=[],
        metavar="S:N",
        help="from second S on the limit is N; may be given several times",
    )
    _add(limit, _USUAL.limit_headers, _HEADERS)
    trouble = parser.add_argument_group("trouble")
    trouble.add_argument("--fault", dest="faults", action="append", default=[], metavar="KIND[:...]", help="see below")
    _add(trouble, _USUAL, (("error_body", "--error-body WORD", "what errors carry"),))
    _add(trouble, _USUAL.latency, _LATENCY)
    _add(trouble, _USUAL, (("stall", "--stall S", "seconds that a stalled answer hangs"),))


def _add_serving(parser: argparse.ArgumentParser) -> None:
    """Add the address, the keys and the other options that stand in no group."""
    parser.add_argument("--port", type=int, default=_PORT, help=f"where to listen; 0 takes a free port ({_PORT})")
    parser.add_argument("--write-views", type=Path, metavar="FILE", help="first write the list of all views, as CSV")
    parser.add_argument(
        "--no-count-views",
        dest="count_views",
        action="store_false",
        help="count in total only, not by view and page: saves memory with a million views",
    )
    serving = (
        ("host", "--host HOST", f"an address of this machine itself ({_USUAL.host})"),
        ("seed", "--seed N", "decides ids, tokens and every chance"),
    )
    _add(parser, _USUAL, serving)
    auth = (
        ("mode", "--auth WORD", "credentials that are taken"),
        ("refusal", "--refusal STATUS", "401 or 403 for wrong keys"),
    )
    _add(parser, _USUAL.auth, auth)


def _add(group: argparse._ActionsContainer, usual: object, options: tuple[tuple[str, str, str], ...]) -> None:
    """Add a table of options to a group; a word's help ends in the words that it may be."""
    for name, usage, text in options:
        default = getattr(usual, name)
        words = f": {' '.join(type(default))} ({default})" if isinstance(default, StrEnum) else ""
        add_option(group, name, Option(usage, text + words, _form(default)), default)


def _form(default: object) -> Form:
    """Choose the form in which an option's value is read, by the type of its default."""
    match default:
        case bool():
            return SWITCH
        case StrEnum():
            return one_of(type(default))
        case int():
            return WHOLE
        case float():
            return NUMBER
    return TEXT


def _limit_change(text: str) -> tuple[float, int]:
    """Read ``S:N``: from second S on, the limit is N. A ValueError for other text is argparse's to report."""
    at, _, limit = text.partition(":")
    return float(at), int(limit)


def settings_from(ns: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> SimulatorSettings:
    """Make the simulator's settings of parsed options and of the keys in ``environ``.

    Raises SettingsError for a value out of its range, or two that clash. Keys never come from options: ``ps``
    shows those.
    """
    return SimulatorSettings(
        host=ns.host,
        port=ns.port,
        seed=ns.seed,
        auth=_auth(ns, environ),
        holding=_group(HoldingSettings, ns),
        paging=_group(PagingSettings, ns),
        search=_group(SearchSettings, ns),
        limit=replace(_group(LimitSettings, ns), changes=tuple(ns.changes)),
        limit_headers=_group(LimitHeaderSettings, ns),
        latency=_group(LatencySettings, ns),
        faults=tuple(map(Fault.parse, ns.faults)),
        error_body=ns.error_body,
        stall=ns.stall,
        count_views=ns.count_views,
    )


def _group(kind: type[_Group], ns: argparse.Namespace) -> _Group:
    """Make a group of settings of the options that are stored under its fields' names."""
    return kind(**{field.name: getattr(ns, field.name) for field in fields(kind)})


def _auth(ns: argparse.Namespace, environ: Mapping[str, str]) -> AuthSettings:
    """Make the part that says which keys are taken: the environment's, or the simulator's well-known ones."""
    usual = _USUAL.auth
    return AuthSettings(
        mode=ns.mode,
        api_key=environ.get("SIMULATOR_API_KEY") or usual.api_key,
        app_key=environ.get("SIMULATOR_APP_KEY") or usual.app_key,
        bearer_token=environ.get("SIMULATOR_BEARER_TOKEN") or usual.bearer_token,
        refusal=ns.refusal,
    )
