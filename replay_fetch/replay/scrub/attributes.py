"""Attributes of a scrubbed copy: a rule by name for each attribute that may stay; every other name is left out.

Names with ``data-`` and ``aria-`` are without number, so they stay with a known word as value, or with none: style
sheets ask for ``[data-state=open]``, and Vue's scoped styles for an empty ``data-v-…``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from replay_fetch.replay.scrub.css import css
from replay_fetch.replay.scrub.words import address, geometry, masked, names, path, word
from replay_fetch.replay.values import BadValue

Rule = Callable[[str], str]
# As browsers choose fonts and hyphens by it: pt-BR, zh-Hans.
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-(?:[A-Z]{2}|[A-Z][a-z]{3}|[0-9]{3})){0,2}")
_SIZE = re.compile(r"auto|[0-9.]{1,20}px")
_STATE = re.compile(r"(?:data|aria)-[a-z0-9-]{1,60}")
# As ids are written by people and their tools; an address with more behind its # may hold anything.
_FRAGMENT = re.compile(r"#[A-Za-z_][A-Za-z0-9_-]{0,99}")
_NAMESPACES = frozenset(
    {"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML",
     "http://www.w3.org/1999/xlink"}
)  # fmt: skip


def attribute(name: str, value: str) -> str | None:
    """Scrub an attribute's value by the attribute's name, in any case; None leaves the attribute out of the copy."""
    low = name.lower()
    rule = _RULES.get(low) or (word if _STATE.fullmatch(low) else None)
    if rule is None:
        return None
    try:
        return rule(value)
    except BadValue:
        return None


def _matching(pattern: re.Pattern[str]) -> Rule:
    def keep(value: str) -> str:
        if not pattern.fullmatch(value):
            raise BadValue("not of that form")
        return value

    return keep


def _empty(_value: str) -> str:
    return ""


def _reference(value: str) -> str:
    """Keep a reference to an id of the same page, by which SVG puts drawings together; reduce other addresses."""
    return value if _FRAGMENT.fullmatch(value) else address(value)


def _namespace(value: str) -> str:
    if value not in _NAMESPACES:
        raise BadValue("no known namespace")
    return value


def _listed(rule: Rule, listed: str) -> dict[str, Rule]:
    return dict.fromkeys(listed.split(), rule)


_RULES: dict[str, Rule] = {
    # What is read: by eye, in a field, or aloud.
    **_listed(
        masked,
        "alt title placeholder value label summary abbr aria-label aria-description aria-valuetext aria-placeholder "
        "aria-roledescription",
    ),
    # What style sheets and radio groups hang on; people give no such names, but sites may make one of theirs.
    **_listed(names, "id class for name slot part"),
    # An address is a place on the web, not words; its path and query often are words.
    **_listed(_reference, "href xlink:href"),
    **_listed(address, "src action cite"),
    # Paint is written as CSS is, url(#gradient) too: that one is lost with all addresses.
    **_listed(
        css,
        "style _csstext media fill stroke stop-color flood-color lighting-color color bgcolor filter mask clip-path "
        "marker-start marker-mid marker-end font-family",
    ),
    "d": path,
    **_listed(
        geometry,
        "width height x y x1 x2 y1 y2 cx cy r rx ry dx dy fx fy points viewbox transform gradienttransform "
        "patterntransform preserveaspectratio offset opacity fill-opacity stroke-opacity stop-opacity stroke-width "
        "stroke-dasharray stroke-dashoffset stroke-miterlimit font-size pathlength rotate textlength refx refy "
        "markerwidth markerheight stddeviation colspan rowspan span rows cols size maxlength minlength min max low "
        "high optimum step tabindex start border cellpadding cellspacing hspace vspace aria-level aria-colcount "
        "aria-rowcount aria-colindex aria-rowindex aria-setsize aria-posinset",
    ),
    **_listed(
        word,
        "type role dir rel align valign wrap scope method draggable contenteditable spellcheck hidden popover loading "
        "decoding preload fill-rule clip-rule stroke-linecap stroke-linejoin text-anchor font-weight font-style "
        "dominant-baseline alignment-baseline visibility display gradientunits patternunits clippathunits maskunits "
        "spreadmethod shape-rendering text-rendering color-interpolation-filters shape",
    ),
    # They say all by being there; a value beside that could be any text.
    **_listed(
        _empty,
        "checked selected disabled readonly required multiple open controls muted loop autofocus novalidate reversed "
        "inert default ismap nowrap noshade compact itemscope allowfullscreen",
    ),
    **_listed(_namespace, "xmlns xmlns:xlink"),
    **_listed(_matching(_LANGUAGE), "lang xml:lang"),
    # The SDK's own: the size of what it hides.
    **_listed(_matching(_SIZE), "rr_width rr_height"),
}
