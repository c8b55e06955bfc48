"""A probe: a single request for a view, and everything understood of the answer."""

from __future__ import annotations

import time
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from msgspec.structs import replace

from replay_fetch.api.body import inflate
from replay_fetch.api.endpoint import Endpoint, auth_headers, check_id
from replay_fetch.api.error_text import body_text
from replay_fetch.api.guess import outline, outline_lines, segments_paths, token_like_in
from replay_fetch.api.page import PageDecoder
from replay_fetch.api.ratelimit import rate_limit
from replay_fetch.api.redact import SecretRedactor
from replay_fetch.api.status import check_status
from replay_fetch.errors import BadBody, ChainCut, Forbidden, GarbledBody, RequestError, SettingsError
from replay_fetch.fetch.chain import Chain
from replay_fetch.fetch.credentials import CredentialCheck
from replay_fetch.model import Page, RateLimit, Response, Source, View
from replay_fetch.settings import ApiSettings, Credentials, FetchSettings, SourceChoice
from replay_fetch.transport import open_transport

_MOST_PATHS = 3
_MOST_OUTLINED = 40


@dataclass(frozen=True, slots=True)
class Probing:
    """The view to ask for, the store and the site to ask, and the keys to ask with."""

    view: View
    api: ApiSettings
    fetch: FetchSettings
    credentials: Credentials

    @property
    def source(self) -> Source:
        """The store that is asked; of ``auto`` the first."""
        return Source.BLOB if self.api.source is SourceChoice.BLOB else Source.EVENT_PLATFORM


@dataclass(slots=True)
class Probe:
    """An answer with status, headers and times, as far as the answer is understood."""

    probing: Probing
    status: int
    headers: Mapping[str, str] = field(repr=False)
    seconds: float
    wire_bytes: int
    rate_limit: RateLimit | None
    size: int
    """Bytes of the body unpacked."""
    page: Page | None = None
    """What was recognised."""
    problem: str = ""
    """What was not, or what is wrong."""
    outline: Sequence[str] = ()
    segments_paths: Sequence[str] = ()
    """Where segments might be, the likeliest first, where they were not recognised."""
    next_paths: Sequence[str] = ()
    """Where the next page's token might be, where none was recognised."""
    empty_paths: Sequence[str] = ()
    """Where it might be on another page: these are null or empty here, and no rule looks there."""
    excerpt: str = ""

    @property
    def exit_code(self) -> int:
        """The command's exit code: 0 where a page was recognised, else 1, so a script may go on or stop."""
        return 0 if self.page is not None else 1


async def probe(probing: Probing) -> Probe:
    """Ask once for the first page of a view, without retries.

    Raises SettingsError for impossible ids, AuthError for refused keys, TransportError where no whole answer came
    and Rejected for an answer too large; the last two say the fault on the wire.
    """
    endpoint = Endpoint(probing.api)
    url = endpoint.page_url(_checked(probing.view), probing.source, None)
    async with open_transport(probing.api, probing.fetch, auth_headers(probing.credentials)) as transport:
        try:
            answer = await transport.get(url)
        except RequestError as error:
            raise type(error)(f"no answer was had from {probing.api.origin}: {error}") from None
    return _understood(probing, answer)


def _checked(view: View) -> View:
    try:
        return View(check_id(view.session_id), check_id(view.view_id))
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _understood(probing: Probing, answer: Response) -> Probe:
    # Keys first: nothing of the answer is shown or looked into before they are out of it.
    unpacked = SecretRedactor(probing.credentials).removed(_unpacked(answer, probing.api))
    found = Probe(
        probing,
        answer.status,
        unpacked.headers,
        seconds=answer.received_at - answer.sent_at,
        wire_bytes=len(answer.body),
        rate_limit=rate_limit(unpacked.headers, now_epoch=time.time()),
        size=len(unpacked.body),
    )
    try:
        check_status(unpacked, first_page=True, now_epoch=time.time())
        found.page = PageDecoder(probing.api).decode(unpacked)
    except Forbidden as error:  # one view is all there is to judge the keys by
        keys = CredentialCheck()
        keys.refused(probing.view, error, answer.received_at)
        keys.finish()
    except (BadBody, GarbledBody) as error:
        found.problem = str(error)
        found.excerpt = body_text(unpacked.body)
        _outline(found, unpacked.body)
    except RequestError as error:
        found.problem = str(error)
    # A page without a token may be the last one, or one whose token no rule finds: then it is looked for.
    if found.page is not None and not found.page.token:
        found.problem = _cut(found.page)
        _outline(found, unpacked.body)
    return found


def _cut(page: Page) -> str:
    """Return the reason for which a download would call this page alone an incomplete list; empty for a whole list."""
    try:
        Chain(max_pages=1).follow(page)
    except ChainCut as cut:
        return str(cut)
    return ""


def _unpacked(answer: Response, api: ApiSettings) -> Response:
    """The answer with its body unpacked; as received where the body cannot be unpacked."""
    try:
        body = inflate(answer.body, answer.headers.get("content-encoding", ""), api.max_page_bytes)
    except ValueError:
        return answer
    return replace(answer, body=body)


def _outline(found: Probe, text: bytes) -> None:
    """Look through a body that no rule reads to the end: for a token alone, or for segments too."""
    text = text.removeprefix(BOM_UTF8)
    try:
        tokens, top = token_like_in(text), outline(text)
    except ValueError:
        return
    found.next_paths = tokens.filled[:_MOST_PATHS]
    found.empty_paths = [path for path in tokens.empty if path != found.probing.api.next_path][:_MOST_PATHS]
    if found.page is None:
        found.segments_paths = segments_paths(top)[:_MOST_PATHS]
        found.outline = list(islice(outline_lines(top), _MOST_OUTLINED))
