"""Style sheets as text: rules one by one, rules for some media, and no address that a browser would fetch.

Sheets are not parsed as CSS but cut at a few tokens: a browser's own reading is the only one that counts, and a
stranger's sheet may be of any form and megabytes long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from replay_fetch.replay.page import Sheet


def rules_of(sheet: Sheet) -> list[str]:
    """List a sheet's rules for ``insertRule``, one rule a text; none for a disabled sheet.

    Rules of a sheet for some media, such as ``print``, are each wrapped in an ``@media`` of the same words.
    """
    if sheet.disabled:
        return []
    media = ", ".join(sheet.media)
    if isinstance(sheet.rules, str):
        # ``insertRule`` takes one rule: several rules in a string are wrapped in one.
        return [f"@media {media or 'all'} {{ {sheet.rules} }}"]
    if media:
        return [f"@media {media} {{ {rule} }}" for rule in sheet.rules]
    return list(sheet.rules)


def css_text(sheet: Sheet) -> str:
    """Write a sheet as the text of a style element; empty for a disabled sheet. Addresses are still in the text."""
    if sheet.disabled:
        return ""
    if sheet.media:
        return "".join(rules_of(sheet))
    return sheet.rules if isinstance(sheet.rules, str) else "".join(sheet.rules)


def canvas_rules(sizes: set[tuple[str, str]]) -> list[str]:
    """Write rules that give canvases of these sizes their place; without a script a browser gives them none.

    ``sizes`` are the canvases' attributes ``width`` and ``height``; values that are no plain numbers get no rule. The
    selectors weigh nothing, so any rule of the page goes before.
    """
    widths, heights = ({size[side] for size in sizes} for side in (0, 1))
    return [
        ":where(canvas){display:inline-block;width:300px;height:150px}",
        *(f':where(canvas[width="{width}"]){{width:{width}px}}' for width in _plain(widths)),
        *(f':where(canvas[height="{height}"]){{height:{height}px}}' for height in _plain(heights)),
    ]


def _plain(sizes: set[str]) -> Iterator[str]:
    return (size for size in sorted(sizes) if re.fullmatch(r"[0-9]{1,5}", size))


def _escaped(word: str) -> str:
    r"""Make a pattern of a word in CSS, where any letter may be written as an escape: ``\75 rl`` is ``url``."""
    # \u, \r and \l are the letters themselves; \a to \f would be numbers.
    return "".join(
        rf"(?:{c}|\\0{{0,4}}(?:{ord(c):x}|{ord(c.upper()):x})\s?" + ("" if c in "abcdef" else rf"|\\{c}") + ")"
        for c in word
    )


_STRING = r"""\s*(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^)]*)\s*"""
_URL = re.compile(rf"(?:{_escaped('url')}|{_escaped('src')})\(({_STRING})\)?", re.IGNORECASE | re.DOTALL)
_IMPORT = re.compile(rf"@{_escaped('import')}", re.IGNORECASE)
# Functions that take an address as a plain string.
_SETS = re.compile(rf"{_escaped('image')}(?:-{_escaped('set')})?\(", re.IGNORECASE)
_ASKS = re.compile(r"\\|\(|@", re.IGNORECASE)
_PLAIN_ASKS = re.compile(r"url\(|src\(|image\(|image-set\(|@import", re.IGNORECASE)
_KEPT = ("data:image/", "data:font/", "data:application/font", "data:application/x-font", "#")
_NOWHERE = 'url("data:,")'


def harmless(css: str) -> str:
    """Take out of a sheet, or of a style attribute, each address that a browser would fetch; keep the rest as it is.

    Addresses of data and of places in the page are kept. ``url(…)`` becomes an empty address, ``@import`` and
    ``image-set(`` become names that no browser knows, so only the statement around each is lost.
    """
    if len(css) >= _LARGE:
        return _harmless(css)
    # Past the cache: thousands of small rules would push out the few large sheets.
    return _harmless.__wrapped__(css) if _ASKS.search(css) else css


# Characters from which a result is kept: checkpoints write the same large sheets again and again.
_LARGE = 4_096


@lru_cache(maxsize=32)
def _harmless(css: str) -> str:
    if "\\" not in css and not _PLAIN_ASKS.search(css):
        return css
    css = _URL.sub(_kept_or_nowhere, css)
    css = _IMPORT.sub("@x-import", css)
    return _SETS.sub("x-image(", css)


def harmless_edits(edits: Mapping[str, object]) -> dict[str, object]:
    """Make edits of a sheet harmless: inserted rules lose their addresses, deletions stay as they are.

    ``edits`` has the form of rrweb's event of source 8: ``adds`` with rules and places, ``removes`` with places.
    """
    adds = [{**entry, "rule": harmless(str(entry.get("rule", "")))} for entry in _entries(edits.get("adds"))]
    return {**edits, "adds": adds} if adds else dict(edits)


def _kept_or_nowhere(found: re.Match[str]) -> str:
    address = found[1].strip().strip("\"'").strip().lower()
    return found[0] if address.startswith(_KEPT) and "\\" not in address[:30] else _NOWHERE


_TOKENS = re.compile(r"""/\*.*?(?:\*/|$)|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\.|[{};]""", re.DOTALL)


def with_inserted(css: str, edits: Sequence[Mapping[str, object]]) -> str:
    """Apply edits to a sheet's text: rules deleted and inserted by their place; rules inside of rules are left out.

    For static pages, which have no script that could insert a rule. A place beyond the last rule adds behind it.
    """
    if not edits:
        return css
    rules = list(_split(css))
    for edit in edits:
        for removed in _entries(edit.get("removes")):
            index = removed.get("index")
            if isinstance(index, int) and index < len(rules):
                del rules[index]
        for added in _entries(edit.get("adds")):
            index, rule = added.get("index", 0), added.get("rule")
            if isinstance(index, int) and isinstance(rule, str):
                rules.insert(index, rule)
    return "\n".join(rules)


def _entries(value: object) -> Iterable[Mapping[str, object]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else ()


def _split(css: str) -> Iterator[str]:
    """Split a sheet into its topmost rules; braces in texts and comments do not count.

    A statement without braces, such as ``@import``, ends at its semicolon and counts as one rule, as in a browser.
    """
    begun = depth = 0
    for token in _TOKENS.finditer(css):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if depth <= 0 and token[0] in {"}", ";"}:
            yield css[begun : token.end()].strip()
            begun, depth = token.end(), 0
    if css[begun:].strip():
        yield css[begun:].strip()
