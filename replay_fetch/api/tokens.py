"""The token of the next page: the first place that has a token.

1. in an object that stands for the paging itself, or as that object: ``paging``
2. in an envelope: the top, ``meta``, ``meta.paging``, ``meta.page``, ``meta.pagination``, ``page``,
   ``pagination``, ``data``, ``data.paging``, ``data.attributes``, ``data.attributes.paging``
3. ``links.next``, then the ``Link`` header (RFC 8288)

In each place the same names are read, the more specific first, see ``_NAMES``. The vendor's other calls use the same
places; the documentation leaves open which of them this call has.

``--next-path`` replaces all places, but for ``none``, which says that no other place has a token. A place that holds
null or nothing is passed over. Where a place holds a value that cannot be a token, or an unusable link, the page
says that more follows all the same: the chain counts as cut, not as done. What else a page tells of the whole list is
in `extent`.

A link is never followed. Only the value of the link's ``paging`` parameter is taken, and only from a link within our
own origin; the request is then made like any other request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from msgspec import Struct

from replay_fetch.api.envelope import Envelope, Members, kind, path_in, string
from replay_fetch.model import Extent

# Keys of a token. Where an object has several, the ones that can hold nothing else come first; ``next_page`` and
# ``cursor`` may also say a number, or where this page is.
_NAMES = (
    "next_cursor",
    "next_token",
    "next_page_token",
    "next_paging",
    "paging_token",
    "next",
    "after",
    "next_page",
    "cursor",
)
_IN_PAGING = (*_NAMES, "token")
_IN_MORE = ("has_more", "hasMore")


class _Place(NamedTuple):
    """An object, and the keys under which a token may stand there; each object may also say whether more follows."""

    path: str
    token_keys: tuple[str, ...]

    def path_of(self, key: str) -> str:
        return path_in(self.path, key)

    @property
    def token_paths(self) -> list[str]:
        """Paths at which a token can stand: in the object, or in the object's stead."""
        itself = [self.path] if self.path.endswith("paging") else []
        return itself + [self.path_of(key) for key in self.token_keys]

    @property
    def paths(self) -> set[str]:
        return set(map(self.path_of, self.token_keys + _IN_MORE))


_PLACES = (
    _Place("paging", _IN_PAGING),
    _Place("", _NAMES),
    _Place("meta", _NAMES),
    _Place("meta.paging", _IN_PAGING),
    _Place("meta.page", _NAMES),
    _Place("meta.pagination", _NAMES),
    _Place("page", _NAMES),
    _Place("pagination", _NAMES),
    _Place("data", _NAMES),
    _Place("data.paging", _IN_PAGING),
    _Place("data.attributes", _NAMES),
    _Place("data.attributes.paging", _IN_PAGING),
)
ENVELOPES = tuple(place.path for place in _PLACES)
"""The paths of all objects around the segments in which a page may speak of the pages; the top is the empty path."""
_LINK_PLACE = "links.next"
NO_OTHER_PLACE = "none"
"""As ``--next-path``: by the rules alone, whatever else on a page may look like a token."""


# Every path at which a token stands as it is, and in no link.
TOKEN_PLACES = frozenset(path for place in _PLACES for path in place.token_paths)
# Every path that find_next looks at without --next-path, for whoever splits only what is looked at.
LOOKED_AT = frozenset({_LINK_PLACE}.union(*(place.paths for place in _PLACES)))
_OUTERMOST = frozenset(path.partition(".")[0] for path in LOOKED_AT)


class Next(Struct, frozen=True, gc=False):
    """The next page, as a page or a single place in a page tells."""

    token: str | None = None
    has_more: bool = False
    place: str = ""
    extent: Extent | None = None
    """What the page tells of the whole list, where that was read with the token."""


def find_next(envelope: Envelope | None, link_header: str, origin: str, next_path: str = "") -> Next:
    """Find the next page's token in the envelope, else in the header; ``next_path`` overrides the places."""
    places = _present(envelope) if envelope else []
    # Heard wherever it is said: with the token missing, the view then counts as cut and not as done.
    has_more = any(b"true" in map(members.get, _IN_MORE) for _, members in places)
    if next_path:
        candidates = iter([_read(envelope.get(next_path), next_path)] if envelope else [])
    else:
        candidates = _candidates(envelope, places, link_header, origin)
    for found in candidates:
        has_more |= found.has_more
        if found.token:
            return Next(found.token, has_more, found.place)
    return Next(has_more=has_more)


def _present(envelope: Envelope) -> list[tuple[_Place, Members]]:
    """The places that can be there, in the order of the rules, each with the members found there."""
    keys = _OUTERMOST.intersection(envelope.keys)
    return [(place, envelope.members(place.path)) for place in _led_to(keys)]


@lru_cache(maxsize=64)  # nearly every page has the keys of the page before
def _led_to(keys: frozenset[str]) -> tuple[_Place, ...]:
    """The places to which the outermost keys lead, in the order of the rules."""
    return tuple(place for place in _PLACES if not keys.isdisjoint(path.partition(".")[0] for path in place.paths))


def _candidates(
    envelope: Envelope | None, places: list[tuple[_Place, Members]], link_header: str, origin: str
) -> Iterator[Next]:
    """Read each place that holds anything, in the order of the rules."""
    if envelope:
        for place, members in places:
            if members:
                for key in place.token_keys:
                    if key in members:
                        yield _read(members[key], place.path_of(key))
            elif place.path.endswith("paging") and kind(envelope.get(place.path)) == "string":
                yield _read(envelope.get(place.path), place.path)
        if "links" in envelope.keys:
            yield _linked(_link_text(envelope), origin, _LINK_PLACE)
    if link_header:
        yield _linked(next_link(link_header), origin, "Link header")


def _read(text: bytes | None, place: str) -> Next:
    """Read a token from JSON text; the digits of a number serve as a token too."""
    what = kind(text)
    if text is None or text in (b"null", b"false", b'""'):
        return Next()
    if what == "number":
        return Next(text.decode("ascii"), place=place)
    if what == "string":
        try:
            return Next(string(text), place=place)
        except ValueError:  # lone surrogates: it could not be sent back
            return Next(has_more=True)
    # `{}` and `[]` are how some encoders write "none". Anything filled is more than these rules can read.
    is_empty_container = what in ("object", "list") and not text[1:-1].strip()
    return Next(has_more=not is_empty_container)


def _link_text(envelope: Envelope) -> str | None:
    """The URL in ``links.next``, which JSON:API lets be a string or an object with ``href``."""
    text = envelope.members("links").get("next")
    if kind(text) == "object":
        text = envelope.members(_LINK_PLACE).get("href")
    if text is None or kind(text) != "string":
        return None
    try:
        return string(text)
    except ValueError:
        return ""


def _linked(link: str | None, origin: str, place: str) -> Next:
    """The token in a link; a link without a token for us still says that more follows."""
    if link is None:
        return Next()
    token = paging_token(link, origin)
    return Next(token, has_more=token is None, place=place)


# <target>; name=value; name="value", …
_link = re.compile(r'<([^<>]*+)>((?:\s*+;\s*+[^\s;,="<>]++(?:\s*+=\s*+(?:"[^"]*+"|[^\s;,"<>]*+))?)*+)')
_relation = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)
# An origin may be written with its port or without; both are the same origin.
_DEFAULT_PORTS = {"https": 443, "http": 80}


def next_link(header: str) -> str | None:
    """The target of the link with ``rel="next"`` in a ``Link`` header; None where no link has that relation."""
    for target, parameters in _link.findall(header):
        relation = _relation.search(parameters)
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            return str(target).strip()
    return None


def paging_token(link: str, origin: str) -> str | None:
    """The token in ``link``, decoded once; None without a token, or from another origin.

    A ``+`` stays a plus sign: tokens hold plus signs rather than spaces.
    """
    try:
        url = urlsplit(link if link.startswith(f"{origin}/") else urljoin(f"{origin}/", link))
        if _origin(url) != _origin(urlsplit(origin)):
            return None
        for parameter in url.query.split("&"):
            name, _, value = parameter.partition("=")
            if name == "paging" and value:
                return unquote(value, errors="strict")
    except ValueError:  # no URL at all, a port that is no number, or a token that is not UTF-8
        return None
    return None


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _DEFAULT_PORTS.get(url.scheme)
