"""A page: an answer's body decoded into segments, exact bytes each, and the token of the next page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import filterfalse
from operator import attrgetter, methodcaller

from msgspec.structs import replace

from replay_fetch.api.belonging import stranger
from replay_fetch.api.body import SAYS_NOTHING, CutBody, OversizedBody, text_of
from replay_fetch.api.coding import MissingZstd
from replay_fetch.api.element import Likeness, described, is_bare, segment
from replay_fetch.api.envelope import Envelope, kind
from replay_fetch.api.error_text import error_text
from replay_fetch.api.extent import find_extent
from replay_fetch.api.fast_page import QuickLocate, can_be_quick
from replay_fetch.api.guess import unread
from replay_fetch.api.json_scan import NotJson
from replay_fetch.api.shapes import Located, UnknownShape, locate
from replay_fetch.api.soundness import UnsoundError, require_sound
from replay_fetch.api.tokens import NO_OTHER_PLACE, Next, find_next
from replay_fetch.errors import BadBody, GarbledBody, ServerError
from replay_fetch.model import Extent, Page, Response, Segment, View
from replay_fetch.printable import printable
from replay_fetch.settings import ApiSettings

# Of a body that is no text: the first bytes tell its kind (%PDF, PK, ELF), more would only fill the line.
_BYTES_SHOWN = 8
# An error object is far shorter, a segment with one record rarely is: where the user's path is believed, only
# elements up to this are worth a look.
_LONGEST_ERROR = 4096
_TELL_THE_LENGTH = frozenset({"content-length", "transfer-encoding"})
# Paths in a message: enough to choose from, on a line.
_PATHS_NAMED = 3
_WRAPPED = " (JSON:API)"
_raw_of: Callable[[Segment], bytes] = attrgetter("raw")
_is_object = methodcaller("startswith", b"{")


class PageDecoder:
    """Decodes the pages of an API; remembers how pages are laid out, to take the fast way.

    May be used from several threads at once: the memory is swapped whole and only ever saves time.
    """

    def __init__(self, api: ApiSettings) -> None:
        self._api = api
        self._next_path = "" if api.next_path == NO_OTHER_PLACE else api.next_path
        self._likeness = Likeness()
        self._quick: QuickLocate | None = None
        self._seen: dict[str, QuickLocate] = {}

    def __repr__(self) -> str:
        return f"<PageDecoder, lists seen at {sorted(self._seen)}>"

    def decode(self, answer: Response, view: View | None = None) -> Page:
        """Decode the page in a 2xx answer, to a request for ``view`` where that is given.

        Raises GarbledBody for an answer that is damaged or names another view, and ServerError for an answer that
        speaks of an error, so asking again may help; BadBody for a whole answer in no shape that a rule knows.
        """
        page = self._decoded(answer)
        if view is not None:
            _require_own(page, view, answer)
        return page

    def _decoded(self, answer: Response) -> Page:
        try:
            text = text_of(answer, self._api.max_page_bytes)
            if text in SAYS_NOTHING:
                return self._bodiless(text, answer.headers.get("link", ""))
            located = self._locate(text)
            # Order matters: a stream without an end may be a part, and must not be judged as a whole page.
            if located.stream and not self._api.segments_path:
                _require_an_end(located, answer)
            return self._page(located, answer.headers.get("link", ""))
        except CutBody as damage:
            raise GarbledBody(str(damage), answer) from None
        except UnsoundError as said:
            raise ServerError(str(said)) from None
        except (OversizedBody, MissingZstd, UnknownShape) as reason:
            raise BadBody(str(reason), answer) from None
        except NotJson as not_json:
            raise _unreadable(text, answer, str(not_json)) from None

    def _locate(self, text: bytes) -> Located:
        """Locate the segments by the layout of the page before, else by the rules."""
        located = self._quick.locate(text) if self._quick else None
        if located is None:
            located = locate(text, self._api.segments_path)
            self._learn(located)
        return located

    def _learn(self, located: Located) -> None:
        """Try the next page in this page's layout; a last page may well be laid out in another way."""
        path = located.path
        if path is None or not can_be_quick(path, self._next_path):
            return
        if path not in self._seen:
            overridden = bool(self._api.segments_path)
            self._seen[path] = QuickLocate(path, located.name, self._next_path, overridden=overridden)
        self._quick = self._seen[path]

    def _bodiless(self, text: bytes, link_header: str) -> Page:
        following = find_next(None, link_header, self._api.origin, self._next_path)
        name = "null" if text else "empty body"
        return Page((), following.token, following.has_more, _shape(name, "", following.place), bodiless=True)

    def _page(self, located: Located, link_header: str) -> Page:
        elements = located.elements
        if located.segments is not None:
            segments, wrapped = tuple(located.segments), _WRAPPED
            self._require_likeness(located, segments)
        elif all(map(is_bare, elements)):
            segments, wrapped = tuple(map(Segment, elements)), ""
        else:
            _require_objects(located)
            segments = tuple(map(segment, elements))
            wrapped = "" if segments[0].item is None else _WRAPPED
            self._require_likeness(located, segments)
            # Only now: the page has passed as a page of segments, so its layout is worth remembering.
            if wrapped and located.path in self._seen:
                self._seen[located.path].expect_wrappers()
        following = located.following
        # The Link header comes last of the rules, so it is looked at only where the body names no token.
        if following is None:
            following = self._find_next(located, link_header)
        elif link_header and following.token is None:
            following = replace(self._find_next(located, link_header), extent=following.extent)
        shape = _shape(located.name, wrapped, following.place)
        if following.extent is None:
            return Page(segments, following.token, following.has_more, shape)
        heard = self._heard(following.extent)
        return Page(segments, following.token, following.has_more, shape, extent=heard)

    def _heard(self, extent: Extent) -> Extent | None:
        """Return the part of a page's extent that --next-path lets through: a flag alone, and for `none` nothing.

        A count may be of something else, and a flag may be of the recording. So each needs a way to be overruled.
        """
        if not self._api.next_path:
            return extent
        return Extent(extent.more) if extent.more and self._next_path else None

    def _require_likeness(self, located: Located, segments: Sequence[Segment]) -> None:
        """Refuse a page where nothing looks like a segment, and a stream where anything does not.

        A path given by the user is believed. Then only elements up to 4 kB are looked at, since errors are short.
        """
        if self._api.segments_path:
            self._likeness.unlike(part.raw for part in segments if len(part.raw) <= _LONGEST_ERROR)
            return
        raws = list(map(_raw_of, segments))
        if all(map(is_bare, raws)):
            return
        unlike = self._likeness.unlike(raws)
        if unlike and (located.stream or len(unlike) == len(segments)):
            found = "one of the" if located.stream else "every element of"
            raise UnknownShape(f"{found} {located.name} is no segment: {described(unlike)}")

    def _find_next(self, located: Located, link_header: str) -> Next:
        """Find the next page by the rules, and remember the page's envelope, to be read in one call from then on."""
        envelope = located.envelope
        if envelope:
            require_sound(envelope)
        following = find_next(envelope, link_header, self._api.origin, self._next_path)
        # A page without a token ends the view for good. That is the one mistake no later run can see, so it takes more
        # than the rules' silence: nothing else on the page may look like a token.
        if envelope and following.token is None and not self._api.next_path:
            _require_no_unread_token(envelope, self._api.segments_path or located.path or "")
        if located.path in self._seen:
            self._seen[located.path].learn(envelope, following.place)
        extent = find_extent(envelope) if envelope else None
        return following if extent is None else replace(following, extent=extent)


def _require_own(page: Page, view: View, answer: Response) -> None:
    """Refuse a page with a segment of another view: it would be stored, and played, under the wrong name."""
    strange = stranger([segment.raw for segment in page.segments], view)
    if strange is not None:
        raise GarbledBody(f"{strange}: a proxy or a cache on the way may mix answers up", answer)


@lru_cache(maxsize=64)
def _shape(name: str, wrapped: str, place: str) -> str:
    return f"{name}{wrapped} + {place}" if place else f"{name}{wrapped}"


def _require_an_end(located: Located, answer: Response) -> None:
    """Refuse a stream without a told length: a connection that breaks between two values would look the same."""
    if _TELL_THE_LENGTH.isdisjoint(answer.headers):
        raise GarbledBody(
            f"{located.name} in an answer without a length, so that some may be cut off; --segments-path . takes them",
            answer,
        )


def _require_objects(located: Located) -> None:
    other = next(filterfalse(_is_object, located.elements), None)
    if other is not None:
        position = located.elements.index(other)
        raise UnknownShape(f"element {position} of {located.name} is {kind(other)}, where a segment is an object")


def _require_no_unread_token(envelope: Envelope, segments_path: str) -> None:
    """Refuse a page that would be the last page, were there no value that looks like a token where no rule looks."""
    paths = [printable(path, 60) for path in unread(envelope, segments_path)[:_PATHS_NAMED]]
    if paths:
        raise UnknownShape(
            f"{' or '.join(paths)} looks like the paging token of a next page: name it with --next-path {paths[0]}, "
            f"or say --next-path {NO_OTHER_PLACE} where it is no token"
        )


def _unreadable(text: bytes, answer: Response, reason: str) -> GarbledBody | BadBody:
    """The error for a body that is not JSON: damaged if the body begins like JSON or HTML, else BadBody."""
    # 1. JSON that breaks off: the connection's fault  2. a gateway's HTML page: it passes  3. anything else stays so
    if text.startswith((b"{", b"[")):
        return GarbledBody(reason, answer)
    if text.startswith(b"<"):
        return GarbledBody(f"an HTML page where JSON was expected: {error_text(answer)}", answer)
    headers = answer.headers
    said = ", ".join(
        f"{name} '{printable(headers[name], 60)}'" for name in ("content-type", "content-encoding") if name in headers
    )
    begins = text[:_BYTES_SHOWN].hex(" ")
    return BadBody(f"{len(text)} bytes that are neither JSON nor compressed JSON ({said}), beginning {begins}", answer)
