"""Replay links as people hold them, in tickets and spreadsheets: the session, perhaps a view, and the site.

``https://app.datadoghq.eu/rum/replay/sessions/SESSION?seed=VIEW&from=1764230400000``: the session stands in the path,
the view in ``seed`` or ``view_id``, the site in the host. ``from``, ``seek`` and other parameters say where the
player begins, and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from replay_fetch.api.endpoint import check_id
from replay_fetch.errors import InputError
from replay_fetch.printable import printable
from replay_fetch.settings import ApiSettings
from replay_fetch.sites import site_of_host

# Chats and mails put <…>, (…), [a|b] or quotes around a link, and spreadsheets a formula: a link ends at any of these,
# also at quotes and brackets as word processors and East Asian keyboards set them.
# The bounds keep a hostile cell of megabytes from being read again and again.
_IN_LINK = r"""[^\s"'<>()\[\]{}|\\^`\u00ab\u00bb\u2010-\u206f\u3001-\u303f\uff01-\uff0f\uff1a-\uff20]"""
_LINK = re.compile(rf"https?://(?:(?!/){_IN_LINK}){{1,255}}/rum/replay/sessions/{_IN_LINK}{{1,2000}}", re.IGNORECASE)
# Mail gateways and trackers rewrite a link into a parameter of their own address: https%3A%2F%2F… up to the next `&`.
_ENCODED = re.compile(
    r"https?%3A%2F%2F[\w.-]{1,255}%2Frum%2Freplay%2Fsessions%2F[\w.~%-]{1,4000}", re.IGNORECASE | re.ASCII
)
_MARK = re.compile(r"rum(?:/|%2F)replay(?:/|%2F)", re.IGNORECASE)
# Chats and pages break long ids with these, and copy them: soft hyphens, zero-width spaces, marks of direction.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202c\u2060-\u2064\ufeff]")
_PATH = re.compile(r"/rum/replay/sessions/(?P<session>[^/]+)(?:/.*)?", re.IGNORECASE)
# The SDK writes seed, the vendor's own pages write view_id.
_VIEW = ("seed", "view_id")
_PUNCTUATION = ".,;:!?*"


class Link(NamedTuple):
    """A replay link: ``view_id`` is None where the link names a session alone; ``site`` is one of the vendor's."""

    session_id: str
    view_id: str | None
    site: str


def has_link(text: str) -> bool:
    """Tell whether a text holds a replay link; the link itself may still be unusable."""
    # The plain search first: a list of millions of ids has no link in any cell, and a long cell is not copied for none.
    return "rum" in text and _MARK.search(text) is not None and next(_urls(text), None) is not None


def read_link(text: str) -> Link:
    """Read the replay link in a text, with or without words around.

    Raises ValueError with a printable reason: no link, several links to different recordings, a host that is none of
    the vendor's, or an id that no session or view can have.
    """
    links = dict.fromkeys(map(_link, _urls(text)))
    if not links:
        raise ValueError(f"'{printable(text, 60)}' is no replay link")
    if len(links) > 1:
        raise ValueError(f"{len(links)} different replay links stand in one place; give each a row of its own")
    return next(iter(links))


class SiteCheck:
    """Holds every link of a list to one site: keys belong to a site, and another site's recordings are elsewhere."""

    def __init__(self, name: str, site: str = "", place: Callable[[int], str] = "line {}".format) -> None:
        """Take the list's name and the site that is asked; empty where ``--base-url`` names another server.

        ``place`` names the place of a line in words.
        """
        self._name = name
        self._place = place
        self._asked = site.lower()
        self._first = ""
        self._first_line = 0

    def check(self, site: str, line: int) -> None:
        """Raise InputError where a link's site is not the one that is asked, or not that of the links before."""
        if self._asked and site != self._asked:
            raise InputError(
                f"{self._name}, {self._place(line)}: the link leads to {site}, and {self._asked} would be asked "
                f"(--site or DD_SITE): add --site {site}, with keys of that site"
            )
        if self._first and site != self._first:
            raise InputError(
                f"{self._name}, {self._place(line)}: the link leads to {site}, that of "
                f"{self._place(self._first_line)} to {self._first}; a run asks one site: make a list for each"
            )
        if not self._first:
            self._first, self._first_line = site, line


def asked_site(api: ApiSettings) -> str:
    """The site to which links have to lead; empty where ``--base-url`` names another server."""
    return "" if api.base_url else api.site


def given_link(text: str, argument: str, api: ApiSettings) -> Link:
    """Read the replay link in an argument of the command line, such as ``SESSION``.

    Raises ValueError as `read_link` does, and InputError for a link to another site than the one that is asked.
    """
    link = read_link(text)
    SiteCheck("the command line", asked_site(api), argument.format).check(link.site, 1)
    return link


def visible(text: str) -> str:
    """Take out of copied text the characters that nobody sees and that no id has, such as zero-width spaces."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def _urls(text: str) -> Iterator[str]:
    # Text that was copied out of a page's source has its ampersands spelled out.
    text = _ENCODED.sub(lambda found: f" {unquote(found[0])} ", visible(text).replace("&amp;", "&"))
    return (found[0].rstrip(_PUNCTUATION) for found in _LINK.finditer(text))


def _link(url: str) -> Link:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ValueError(f"'{printable(url, 60)}' is no URL") from None
    site = site_of_host(host)
    if site is None:
        raise ValueError(f"the link leads to {printable(host, 60)}, which is none of Datadog's sites")
    path = _PATH.fullmatch(parts.path)
    if path is None:
        raise ValueError(f"'{printable(url, 60)}' is no replay link")
    named = dict(reversed(parse_qsl(parts.query)))
    view = next((named[name] for name in _VIEW if named.get(name)), None)
    try:
        return Link(check_id(unquote(path["session"])), None if view is None else check_id(view), site)
    except ValueError as reason:
        raise ValueError(f"replay link: {reason}") from None
