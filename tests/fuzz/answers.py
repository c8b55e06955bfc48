"""Targets that read what a server answers, and what goes back to it."""

from __future__ import annotations

import io
from contextlib import suppress

from fuzz.laws import (
    VIEW,
    answer_of,
    check_ending,
    check_inside,
    check_page,
    check_printable,
    check_readable,
    check_url,
    is_json,
)
from replay_fetch.api.body import inflate
from replay_fetch.api.endpoint import Endpoint, check_id
from replay_fetch.api.error_text import error_text
from replay_fetch.api.events import found_page
from replay_fetch.api.guess import outline, outline_lines
from replay_fetch.api.page import PageDecoder
from replay_fetch.api.ratelimit import rate_limit
from replay_fetch.api.redact import SecretRedactor
from replay_fetch.api.search import Window, playlist_sessions, search_body
from replay_fetch.api.status import check_status
from replay_fetch.api.tokens import next_link, paging_token
from replay_fetch.errors import BadBody, ChainCut, GarbledBody, RequestError, ServerError
from replay_fetch.fetch.chain import Chain
from replay_fetch.ledger.found import FoundViews
from replay_fetch.model import Page, Response, View
from replay_fetch.settings import ApiSettings, Credentials
from replay_fetch.view_list.rows import BadRow, PlannedRow
from replay_fetch.view_list.view_list import ViewList
from replay_fetch.view_list.writing import csv_text

_ORIGIN = "https://api.datadoghq.com"
_NOW = 1_800_000_000.0
_MOST_BYTES = 4 * 2**20
_APIS = [
    ApiSettings(max_page_bytes=_MOST_BYTES, segments_path=segments_path, next_path=next_path)
    for segments_path, next_path in (
        ("", ""),
        ("payload.chunks", "continuation"),
        ("payload.chunks", "none"),
        (".", ""),
    )
]
_SEEN = [
    b'{"segments":[{"records":[]}],"paging":{"next":"T","limit":1},"meta":{"status":"done","page":{}},"errors":[]}',
    b'{"segments":[],"paging":null,"meta":{"page":{"after":null}},"continuation":null,"x":"y"}',
    b'{"data":[{"records":[]}],"meta":{"next_cursor":"T","took":1},"links":{"self":"/x"}}',
    b'{"data":[{"records":[]}],"meta":{"page":{"after":"T","total_count":2,"total_pages":2},"total":2},"complete":false}',
]
_WRAPPED = b'{"data":[{"type":"s","id":"1","attributes":{"records":[]}}],"meta":{"page":{"after":"T"}}}'
_ECHOES = SecretRedactor(Credentials("Zq9-apikey+/=&%22", 'Zq9"app\\key'))


def page(content: bytes) -> None:
    """A body is a page whose segments stand in it, or damaged, or of no known shape.

    Met again, or by a decoder that has seen other pages, it is the same; and where it ends a view, nothing
    on it looks like a token.
    """
    answer = answer_of(content)
    experienced = PageDecoder(_APIS[0])
    for seen in (*_SEEN, _WRAPPED):
        experienced.decode(Response(200, {}, seen))
        assert _decoded(experienced, answer) == _decoded(PageDecoder(_APIS[0]), answer), "experience changes a page"
    for api in _APIS:
        decoder = PageDecoder(api)
        found = _decoded(decoder, answer)
        assert _decoded(decoder, answer) == found, "the quick way says something else"
        if isinstance(found, Page):
            body = b"" if answer.status in (204, 205) else _inflated(answer)
            check_page(found, body)
            if not api.next_path:
                check_ending(found, body)
            check_url(Endpoint(api), VIEW, found.token)
            with suppress(ChainCut):
                Chain(5).follow(found)
    body = answer.body.removeprefix(b"\xef\xbb\xbf")
    if is_json(body):
        for line in outline_lines(outline(body)):
            check_printable(line)


def _decoded(decoder: PageDecoder, answer: Response) -> Page | str:
    try:
        return decoder.decode(answer)
    except (BadBody, GarbledBody, ServerError) as error:
        check_printable(str(error))
        return str(error)


def _inflated(answer: Response) -> bytes:
    return inflate(answer.body, answer.headers.get("content-encoding", ""), _MOST_BYTES)


def segment(content: bytes) -> None:
    """What reads a segment for people and for the manifest raises nothing."""
    check_readable(content)


def headers(content: bytes) -> None:
    """What the headers say of the limit can be true, and a link leads to our own origin or nowhere."""
    answer = answer_of(content)
    found = rate_limit(answer.headers, now_epoch=_NOW)
    if found is not None:
        for number in (found.limit, found.remaining):
            assert number is None or 0 <= number <= 10**9
        for seconds, most in ((found.period, 86_400), (found.reset, 86_400), (found.retry_after, 86_400)):
            assert seconds is None or 0 <= seconds <= most
        check_printable(found.name, 100)
    link = next_link(answer.headers.get("link", ""))
    if link is not None:
        token = paging_token(link, _ORIGIN)
        check_url(Endpoint(ApiSettings()), VIEW, token)
        assert token is None or not link.startswith(("https://other.example", "//other.example"))


def status(content: bytes) -> None:
    """An answer that is an error becomes one of ours, whose words fit a log line and hold no key."""
    answer = answer_of(content)
    check_printable(error_text(answer), 200)
    assert b"Zq9-apikey+/=&%22" not in _ECHOES.removed(answer).body
    for first_page in (True, False):
        try:
            check_status(answer, first_page=first_page, now_epoch=_NOW)
        except RequestError as error:
            check_printable(str(error))


def token(content: bytes) -> None:
    """Ids and tokens make a URL of our origin and paths within the archive, or are refused in printable words."""
    text = _text(content)
    check_url(Endpoint(ApiSettings()), VIEW, text)
    session_id, _, view_id = text.partition("\n")
    try:
        view = View(check_id(session_id), check_id(view_id))
    except ValueError as error:
        check_printable(str(error))
        with suppress(ValueError):
            check_inside(View(session_id, view_id))
    else:
        check_inside(view)
        check_url(Endpoint(ApiSettings()), view, text)


def _text(content: bytes) -> str:
    """Text that may have lone surrogates."""
    try:
        return content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace")


def search(content: bytes) -> None:
    """Views that a search finds can be kept, written as a list, and read from it again; its cursor can be sent."""
    answer = answer_of(content)
    try:
        found = found_page(answer)
    except (BadBody, GarbledBody, ServerError) as error:
        check_printable(str(error))
    else:
        kept = FoundViews()
        kept.add(found.views)
        written = "".join(csv_text(kept)).encode()
        kept.close()
        rows = list(ViewList(io.BytesIO(written)).rows())
        strays = [row for row in rows if isinstance(row, BadRow)]
        assert all("is no UUID, as the others" in row.reason for row in strays)
        read = {row.view for row in rows if isinstance(row, PlannedRow)}
        assert read <= {each.view for each in found.views}
        assert len(read) + len(strays) == len(rows) == len({each.view for each in found.views})
        search_body("", Window(0, 1), found.token)
        assert found.first_ms is None or found.last_ms is None or found.first_ms <= found.last_ms
    try:
        assert all(map(check_id, playlist_sessions(answer)))
    except (BadBody, GarbledBody, ServerError) as error:
        check_printable(str(error))
