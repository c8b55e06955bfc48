"""Ask once for ``replay-fetch probe``, and print the answer: how it is read, and which flags to set.

The flags are proposed where the rules find no segments or no token, from paths seen in the answer itself.
"""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Iterator
from http import HTTPStatus

import anyio
import orjson
from msgspec.structs import asdict

from replay_fetch.cli.options import QUESTION, add_output, add_server, settings_from
from replay_fetch.cli.output import say, shown
from replay_fetch.environment import credentials, warn_if_exposed
from replay_fetch.errors import SettingsError
from replay_fetch.model import Extent, Page, RateLimit, Source, View
from replay_fetch.pipeline.probe import Probe, Probing, probe
from replay_fetch.printable import printable
from replay_fetch.progress.units import count, duration, size, some
from replay_fetch.settings import ApiSettings, SourceChoice
from replay_fetch.view_list.links import given_link, has_link

_EPILOG = """\
examples:
  replay-fetch probe SESSION_ID VIEW_ID
  replay-fetch probe 'https://app.datadoghq.eu/rum/replay/sessions/ID?seed=ID'

exit codes: 0 recognised, with segments or none; 1 not; 2 bad ids or settings;
3 keys refused, no answer
"""
_WIDTH = 80
_INDENT = 14
# As many as fit a line beside the label.
_SIZES_SHOWN = 6
_NOT_FOUND = 404


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the two ids, and the options of the question and of its reading; none of patience: one page is asked."""
    parser.add_argument("session", type=str.strip, metavar="SESSION", help="a session id, or a link that names a view")
    parser.add_argument(
        "view", type=str.strip, metavar="VIEW", nargs="?", help="the id of one of its views; not behind a link"
    )
    add_server(parser, *QUESTION)
    add_output(parser, json="what was found")
    parser.epilog = _EPILOG


def run(options: argparse.Namespace) -> int:
    """Ask for one page and print all that is known of the answer; returns 0 for a recognised page, else 1.

    Raises SettingsError for text that cannot be an id, AuthError where the keys are refused.
    """
    # One connection: one page is asked for.
    settings = settings_from(options, workers=1)
    view = _view(options, settings.api)
    keys = credentials(os.environ, options.env_file)
    with shown(settings.show, keys.secrets):
        warn_if_exposed(options.env_file)
        found = anyio.run(probe, Probing(view, settings.api, settings.fetch, keys))
    say(probe_json(found) if options.json else probe_text(found))
    return found.exit_code


def _view(options: argparse.Namespace, api: ApiSettings) -> View:
    """Return the view that two ids name, or a replay link; raises SettingsError, and InputError for another site."""
    if options.view is not None:
        return View(options.session, options.view)
    missing = "VIEW is missing: replay-fetch probe SESSION VIEW, or a replay link that names a view (seed=…)"
    try:
        link = given_link(options.session, "SESSION", api)
    except ValueError as reason:
        raise SettingsError(f"{missing}; {reason}" if has_link(options.session) else missing) from None
    if link.view_id is None:
        raise SettingsError(f"{missing}; the link names none: `replay-fetch discover --session {link.session_id}` does")
    return View(link.session_id, link.view_id)


def probe_text(found: Probe) -> str:
    """Format the probe for people, at most 80 columns wide: status, body, limit, segments, and the flags to try."""
    return "\n".join(_lines(found))


def probe_json(found: Probe) -> str:
    """Format the probe as a JSON object; a part that the answer lacks is null, seconds have three places."""
    content: dict[str, object] = {
        "session_id": found.probing.view.session_id,
        "view_id": found.probing.view.view_id,
        "origin": found.probing.api.origin,
        "source": found.probing.source,
        "status": found.status,
        "seconds": round(found.seconds, 3),
        "content_type": found.headers.get("content-type"),
        "content_encoding": found.headers.get("content-encoding"),
        "wire_bytes": found.wire_bytes,
        "bytes": found.size,
        "rate_limit": asdict(found.rate_limit) if found.rate_limit else None,
        "recognised": _page_fields(found.page) if found.page else None,
        "problem": found.problem or None,
        "outline": list(found.outline),
        "segments_paths": list(found.segments_paths),
        "next_paths": list(found.next_paths),
        "empty_paths": list(found.empty_paths),
        "excerpt": found.excerpt or None,
    }
    return orjson.dumps(content).decode()


def _page_fields(page: Page) -> dict[str, object]:
    extent = page.extent or Extent()
    return {
        "shape": page.shape,
        "segments": len(page.segments),
        "segment_bytes": [len(segment.raw) for segment in page.segments],
        "next_token": page.token is not None,
        "has_more": page.has_more or bool(extent.more),
        "pages_counted": extent.pages[0] or None,
        "segments_counted": extent.segments[0] or None,
    }


def _lines(found: Probe) -> Iterator[str]:
    yield from _row("asked", f"{found.probing.source} at {found.probing.api.origin}")
    yield from _row("status", f"{found.status} {_phrase(found.status)}, {duration(found.seconds)}")
    yield from _row("body", ", ".join(_body(found)))
    yield from _row("rate limit", ", ".join(_limit(found.rate_limit)) if found.rate_limit else "no header names one")
    if found.page is not None:
        yield from _row("recognised", ", ".join(_page(found.page, cut=bool(found.problem))))
    if found.problem:
        yield from _row("problem", found.problem)
    if found.outline:
        yield "outline"
        yield from (f"  {line[: _WIDTH - 2]}" for line in found.outline)
    if found.excerpt:
        yield from _row("begins", found.excerpt)
    yield from _advice(found)


def _row(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        printable(text, 1000),
        _WIDTH,
        initial_indent=f"{label:<{_INDENT}}",
        subsequent_indent=" " * _INDENT,
        break_on_hyphens=False,
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(no usual status)"


def _body(found: Probe) -> Iterator[str]:
    yield found.headers.get("content-type", "no content type")
    if encoding := found.headers.get("content-encoding"):
        yield encoding
    yield size(found.wire_bytes)
    if found.size != found.wire_bytes:
        yield f"{size(found.size)} unpacked"


def _limit(limit: RateLimit) -> Iterator[str]:
    if limit.limit is not None:
        yield f"{some(limit.limit, 'request')}" + (f" in {limit.period:g} s" if limit.period else "")
    if limit.remaining is not None:
        yield f"{count(limit.remaining)} left"
    if limit.reset is not None:
        yield f"reset in {limit.reset:g} s"
    if limit.retry_after is not None:
        yield f"retry after {limit.retry_after:g} s"
    if limit.name:
        yield f"named {limit.name}"


def _page(page: Page, *, cut: bool) -> Iterator[str]:
    yield page.shape
    sizes = [size(len(segment.raw)) for segment in page.segments[:_SIZES_SHOWN]]
    more = ", …" if len(page.segments) > _SIZES_SHOWN else ""
    yield f"segments: {count(len(page.segments))}" + (f" ({', '.join(sizes)}{more})" if sizes else "")
    extent = page.extent or Extent()
    for (number, path), what in ((extent.pages, "page"), (extent.segments, "segment")):
        if number:
            yield f"{some(number, what)} counted by {path}"
    if page.token is not None:
        yield "more pages follow"
    elif page.has_more or extent.more:
        yield "more is promised, without a token"
    else:
        yield "no token" if cut else "the last page"


def _advice(found: Probe) -> Iterator[str]:
    """Yield the flags to set, the likeliest first, and the other store where this one has nothing of the view."""
    auto = found.probing.api.source is SourceChoice.AUTO
    if found.status == _NOT_FOUND or (found.page is not None and not found.page.segments):
        yield from _row(
            "try",
            f"--source {Source.BLOB}: --source auto asks it next, probe does not"
            if auto
            else "the other --source, and whether the ids belong to this site",
        )
    if found.page is None and (found.segments_paths or found.next_paths):
        segments = [f"--segments-path {path}" for path in found.segments_paths]
        following = [f"--next-path {path}" for path in found.next_paths]
        yield from _row("try", " ".join([*segments[:1], *following[:1]]))
        for other in (*segments[1:], *following[1:]):
            yield from _row("or", other)
    elif found.page is not None:
        if found.next_paths:
            yield from _row("flags", f"if more pages should follow: --next-path {' or '.join(found.next_paths)}")
        elif found.page.segments and not found.problem:
            yield from _row("flags", "none needed" if not _overridden(found) else "these are right")
    if found.empty_paths:
        yield from _row(
            "maybe",
            f"--next-path {' or '.join(found.empty_paths)}: null or empty on this page; "
            "probe a view of several pages to see whether a token stands there",
        )


def _overridden(found: Probe) -> bool:
    return bool(found.probing.api.segments_path or found.probing.api.next_path)
