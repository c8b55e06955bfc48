"""Safety of a stranger's page: no attribute, address or text that would send a request or run a script.

The player's page forbids both a second time, by its policy. Files of events are read by programs without one. Each rule
holds for the shapes that browsers accept: any case, blanks and escapes inside, parts joined from two nodes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from replay_fetch.replay.css import harmless
from replay_fetch.replay.page import SHADOW_ROOT, Node

# Elements that would load another document, or be one.
_FRAMES = frozenset({"iframe", "frame", "object", "embed", "portal", "fencedframe", "applet"})
_ADDRESSES = frozenset(
    {
        "action", "archive", "background", "classid", "code", "codebase", "data", "dynsrc", "formaction", "href",
        "imagesrcset", "longdesc", "lowsrc", "poster", "profile", "src", "srcset", "usemap", "xlink:href", "cite",
    }
)  # fmt: skip
_ANIMATED = frozenset({"to", "from", "by", "values"})
# With any value unsafe: a document, a call, a word for the browser itself.
_NEVER = frozenset({"srcdoc", "ping", "manifest", "http-equiv", "attributionsrc", "nonce", "target"})
_HANDLER = re.compile(r"on[a-z]+")
_NAME = re.compile(r"""[^\s"'<>/=\x00-\x1f\x7f]{1,200}""")
_SCRIPT = re.compile(r"(?:javascript|vbscript|livescript):", re.IGNORECASE)
_WORD_END = re.compile(r"[\w@\\-]\Z")
_BLANK = re.compile(r"[\x00-\x20]+")
_INSIDE = ("data:image/", "data:audio/", "data:video/", "data:font/", "#")
# Browsers begin to look up the name of a host that a link names.
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|[/\\]{2}", re.IGNORECASE)
_SUSPICIOUS = re.compile(r"[:(\\]")
_RAW = frozenset({"script", "style"})
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")
# The browser has no shadow root for other elements than these and those with a dash.
_HOSTS = frozenset(
    "article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main nav p section span".split()  # noqa: SIM905 - as the standard lists them
)


def tag_of(node: Node) -> str:
    """Name an element as a browser accepts it; a script becomes ``noscript``, which shows nothing.

    A name that no document can have becomes ``div``: written into HTML, such a name could end the tag.
    """
    return _tag(node.name)


@lru_cache(maxsize=1024)
def _tag(name: str) -> str:
    if name.lower() == "script":
        return "noscript"
    return name if _TAG.fullmatch(name) else "div"


def may_host(node: Node) -> bool:
    """Tell whether a browser gives this element a shadow root: a few elements of HTML do, and names with a dash.

    rrweb's player would throw at any other.
    """
    return not node.svg and (node.name in _HOSTS or "-" in node.name)


def is_told(node: Node) -> bool:
    """Tell whether a node can be shown: False within a shadow root that no browser gives to its host.

    Such a root comes from a hostile or broken recording alone, and its nodes are left out of all events.
    """
    while node.parent is not None:
        if node.kind == SHADOW_ROOT and not may_host(node.parent):
            return False
        node = node.parent
    return True


def safe_text(node: Node) -> str:
    """Read a text as it may be shown: empty in a script, without addresses in a style, any other as it is.

    Any other text is escaped by the writer of JSON or HTML.
    """
    parent = node.parent
    if parent is None or parent.name not in _RAW:
        return node.text
    if parent.name == "script":
        return ""
    # A sheet may lie in several texts: ``ur`` and ``l(…)`` must not join to a word that was seen in neither.
    css = harmless(node.text)
    return f"{css} " if _WORD_END.search(css) else css


def safe_href(href: str) -> str:
    """Read a page's own address; empty where a click on the address would run a script.

    All other addresses are kept, since no browser fetches one from here.
    """
    return "" if _SCRIPT.match(_BLANK.sub("", href)) else href


def safe_attributes(node: Node) -> dict[str, str]:
    """List an element's attributes without the unsafe attributes; unsafe parts of values are replaced.

    Handlers and names of ``_NEVER`` go whatever their value; addresses stay where they hold data or a place in the
    page; styles keep all but addresses. A ``meta`` with ``http-equiv`` keeps nothing.
    """
    safe: dict[str, str] = {}
    if node.name == "meta" and any(name.lower() == "http-equiv" for name in node.attributes):
        return safe  # words for the browser itself: where to go next, which policy holds
    for name, value in node.attributes.items():
        sort = _sort(name)
        if sort == _PLAIN and not _SUSPICIOUS.search(value):
            safe[name] = value
        elif sort != _DROPPED:
            kept = _kept(node, name.lower(), value)
            if kept is not None:
                safe[name] = kept
    return safe


_PLAIN, _LOOKED_AT, _DROPPED = range(3)


@lru_cache(maxsize=4096)
def _sort(name: str) -> int:
    """Sort an attribute by its name: always shown, never shown, or shown by its value."""
    low = name.lower()
    if low in _NEVER or low.startswith("rr_") or _HANDLER.fullmatch(low) or not _NAME.fullmatch(name):
        return _DROPPED
    return (
        _LOOKED_AT if low in _ADDRESSES or low in _ANIMATED or low in {"style", "_csstext", "attributename"} else _PLAIN
    )


def may_be_shown(name: str) -> bool:
    """Tell whether an attribute of this name is shown with any value at all; no other name is told of."""
    return _sort(name) != _DROPPED


def _kept(node: Node, name: str, value: str) -> str | None:
    """Read a value as it may be shown; None where the attribute must go."""
    if (":" in value and _SCRIPT.match(_BLANK.sub("", value))) or (name == "attributename" and _is_risky(value)):
        return None
    if name == "_csstext":
        return harmless(value) if node.name in {"link", "style"} else None
    if name in _ANIMATED and _ELSEWHERE.match(_BLANK.sub("", value)):
        return None
    if name in _ADDRESSES:
        return _address(node, name, value)
    return harmless(value) if name == "style" or "(" in value or "\\" in value else value


def _address(node: Node, name: str, value: str) -> str | None:
    """Read an address in an attribute as it may be shown; None where the attribute must go.

    A link keeps an address without scheme and host, and has ``#`` for any other: browsers look up hosts of links early.
    """
    written = _BLANK.sub("", value).lower()
    if name == "href" and node.name in {"a", "area"}:
        return "#" if _ELSEWHERE.match(written) else value  # without, it would not look like a link
    if node.name in _FRAMES:
        return None
    return value if written.startswith(_INSIDE) and node.name not in {"link", "base", "script"} else None


def _is_risky(animated: str) -> bool:
    """Tell whether an animation in SVG must not change this attribute: an address or a handler."""
    name = animated.strip().lower()
    return name in _ADDRESSES or bool(_HANDLER.fullmatch(name))
