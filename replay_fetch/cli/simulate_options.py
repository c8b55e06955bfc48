"""The flags of ``replay-fetch simulate``, one for each of the simulator's settings."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

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
    """Adds the flags to a parser; each is stored under the name of its setting."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    _add_serving(parser)
    _add_holding(parser.add_argument_group("what is held"))
    _add_paging(parser.add_argument_group("pages"))
    _add_search(parser.add_argument_group("events search", "Playlist N holds the first N sessions."))
    _add_limit(parser.add_argument_group("rate limit"))
    _add_trouble(parser.add_argument_group("trouble"))


def settings_from(ns: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> SimulatorSettings:
    """The settings that parsed flags and the environment's keys stand for; raises SettingsError."""
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
    return kind(**{field.name: getattr(ns, field.name) for field in fields(kind)})


def _auth(ns: argparse.Namespace, environ: Mapping[str, str]) -> AuthSettings:
    usual = _USUAL.auth
    return AuthSettings(
        mode=ns.auth,
        api_key=environ.get("SIMULATOR_API_KEY") or usual.api_key,
        app_key=environ.get("SIMULATOR_APP_KEY") or usual.app_key,
        bearer_token=environ.get("SIMULATOR_BEARER_TOKEN") or usual.bearer_token,
        refusal=ns.refusal,
    )


def _add_serving(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--port", type=int, default=_PORT, help=f"where to listen; 0 takes a free port (default: {_PORT})")
    add("--host", default=_USUAL.host, help=f"an address of this machine itself (default: {_USUAL.host})")
    add("--seed", type=int, default=_USUAL.seed, metavar="N", help="decides ids, tokens and every chance")
    add("--write-views", type=Path, metavar="FILE", help="first write the list of all views there, as CSV")
    _add_word(parser, "--auth", _USUAL.auth.mode, "credentials that are taken")
    add("--refusal", type=int, default=_USUAL.auth.refusal, metavar="STATUS", help="401 or 403 for wrong keys")
    add(
        "--no-count-views",
        dest="count_views",
        action="store_false",
        help="count in total only, not by view and page: saves memory with a million views",
    )


def _add_holding(group: argparse._ActionsContainer) -> None:
    usual = _USUAL.holding
    add = group.add_argument
    add("--sessions", type=int, default=usual.sessions, metavar="N", help="make N sessions of the 8 recorded ones")
    add("--segments-per-view", type=int, default=usual.segments_per_view, metavar="N", help="repeat or cut views to N")
    add("--blob-share", type=float, default=usual.blob_share, metavar="P", help="share of views that only blob holds")
    add("--overlap", action="store_true", default=usual.overlap, help="blob holds all views, not its share alone")
    _add_word(group, "--absent-as", usual.absent_as, "answer for the other store's")
    _add_word(group, "--empty-as", usual.empty_as, "answer for views without segments")


def _add_paging(group: argparse._ActionsContainer) -> None:
    usual = _USUAL.paging
    add = group.add_argument
    _add_word(group, "--shape", usual.shape, "how bodies are laid out")
    add("--page-bytes", type=int, default=usual.page_bytes, metavar="N", help="page size without max_list_size")
    add("--page-segments", type=int, default=usual.page_segments, metavar="N", help="most segments of a page")
    add("--pages", type=int, default=usual.pages, metavar="N", help="cut every view into exactly N pages")
    _add_word(group, "--last-page", usual.last_page, "how a chain ends")
    _add_word(group, "--chain", usual.chain, "what is wrong with chains of pages")
    add("--chain-share", type=float, default=usual.chain_share, metavar="P", help="share of views it is wrong for")
    add("--empty-pages", type=int, default=usual.empty_pages, metavar="N", help="empty pages behind the first one")
    add("--expire-page", type=int, default=usual.expire_page, metavar="N", help="page whose token has expired")
    add("--expire-status", type=int, default=usual.expire_status, metavar="STATUS", help="400, 404 or 410 for it")
    add("--expire-chains", type=int, default=usual.expire_chains, metavar="N", help="chains of a view that meet it")
    add("--token-place", default=usual.token_place, metavar="PATH", help="dotted path of the paging token")


def _add_search(group: argparse._ActionsContainer) -> None:
    usual = _USUAL.search
    add = group.add_argument
    add(
        "--events-span",
        type=float,
        default=usual.events_span,
        metavar="S",
        help=f"seconds over which the views' events are spread (default: {usual.events_span:g})",
    )
    add("--events-age", type=float, default=usual.events_age, metavar="S", help="they end S seconds before the start")
    add("--page-events", type=int, default=usual.page_events, metavar="N", help="most events of a page")
    add("--search-pages", type=int, default=usual.search_pages, metavar="N", help="stop silently after N pages")
    add("--search-timeout", type=float, default=usual.search_timeout, metavar="S", help="longer windows time out")
    add("--search-patience", type=float, default=usual.search_patience, metavar="S", help="seconds until they do")
    _add_word(group, "--search-chain", usual.search_chain, "how pages lead on, and what the second is")


def _add_limit(group: argparse._ActionsContainer) -> None:
    usual, shown = _USUAL.limit, _USUAL.limit_headers
    add = group.add_argument
    add("--limit", type=int, default=usual.limit, metavar="N", help="requests a period; 0 is no limit")
    add("--period", type=float, default=usual.period, metavar="S", help=f"seconds (default: {usual.period:g})")
    _add_word(group, "--algorithm", usual.algorithm, "how requests are counted")
    add("--neighbour", type=float, default=usual.neighbour, metavar="R", help="requests a second somebody else spends")
    add(
        "--limit-change",
        dest="changes",
        type=_limit_change,
        action="append",
        default=[],
        metavar="S:N",
        help="from second S on the limit is N; may be given several times",
    )
    _add_word(group, "--headers", shown.headers, "answers that tell the limit")
    _add_word(group, "--reset", shown.reset, "what X-RateLimit-Reset holds")
    add("--remaining-on-429", type=int, default=shown.remaining_on_429, metavar="N", help="left, as a 429 has it")
    _add_word(group, "--retry-after", shown.retry_after, "on a 429")
    _add_word(group, "--body-429", shown.body_429, "what a 429 carries")


def _add_trouble(group: argparse._ActionsContainer) -> None:
    usual = _USUAL.latency
    add = group.add_argument
    add("--fault", dest="faults", action="append", default=[], metavar="KIND[:...]", help="see below")
    _add_word(group, "--error-body", _USUAL.error_body, "what errors carry")
    add("--latency", dest="median", type=float, default=usual.median, metavar="S", help="seconds before an answer")
    add(
        "--latency-tail",
        dest="tail",
        type=float,
        default=usual.tail,
        metavar="X",
        help="at 1, one in 100 takes 10 times",
    )
    add("--stall", type=float, default=_USUAL.stall, metavar="S", help="seconds that a stalled answer hangs")


def _add_word(group: argparse._ActionsContainer, flag: str, usual: StrEnum, text: str) -> None:
    """Adds a flag that takes one word of a closed set, the one ``usual`` belongs to."""
    kind = type(usual)

    def read(word: str) -> StrEnum:
        try:
            return kind(word)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(kind)}") from None

    words = " ".join(kind)
    group.add_argument(flag, metavar="WORD", type=read, default=usual, help=f"{text}: {words} (default: {usual})")


def _limit_change(text: str) -> tuple[float, int]:
    at, _, limit = text.partition(":")
    return float(at), int(limit)
