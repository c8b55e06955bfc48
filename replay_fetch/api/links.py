"""Links to the next page: ``links.next`` and the ``Link`` header (RFC 8288).

A link is never followed. Only the value of its ``paging`` parameter is taken, and only from a link
within our own origin; the request is then made as any other.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

# <target>; name=value; name="value", …
_link = re.compile(r'<([^<>]*+)>((?:\s*+;\s*+[^\s;,="<>]++(?:\s*+=\s*+(?:"[^"]*+"|[^\s;,"<>]*+))?)*+)')
_relation = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)
_DEFAULT_PORTS = {"https": 443, "http": 80}


def next_link(header: str) -> str | None:
    """The target of the link with ``rel="next"`` in a ``Link`` header; None where none has it."""
    for target, parameters in _link.findall(header):
        relation = _relation.search(parameters)
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            return str(target).strip()
    return None


def paging_token(link: str, origin: str) -> str | None:
    """The token in ``link``, decoded once; None without one or from another origin.

    A ``+`` stays one: tokens hold it rather than spaces.
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
