"""Style sheets without words: strings, comments and addresses go, for people read such parts or are named there.

Selectors, properties and keywords are structure. Strings are kept in properties whose strings are names: areas of a
grid, syntaxes, fonts of systems.
"""

from __future__ import annotations

import re
from functools import lru_cache

from replay_fetch.replay.scrub.known_words import FONTS, GEOMETRY_WORDS, STYLE_WORDS, WORDS
from replay_fetch.replay.scrub.words import masked, names
from replay_fetch.replay.values import text

_STRING = r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
_CALLS = r"(?<![\w-])(?:url|src|url-prefix|domain|image)\("
# The order counts: what stands inside a comment or a string begins nothing else. An escaped quote begins no string.
_TOKENS = re.compile(
    rf"""(?P<comment>/\*.*?(?:\*/|\Z))
    |(?P<string>{_STRING})
    |(?P<broken>["'].*|<(?=[A-Za-z/!?]).*)
    |(?P<escape>\\.)
    |(?P<fetched>@(?:import|charset|namespace)\b(?:{_STRING}|\([^)]*\)|[^;"'{{}}(])*;?)
    |(?P<call>{_CALLS}\s*(?:{_STRING}|[^)"']*)[^)]*(?:\)|\Z))
    |(?P<chosen>\[[^\]"']*(?:(?:{_STRING})[^\]"']*)*(?:\]|\Z))
    |(?P<custom>(?<![\w-])--[\w-]*\s*:)
    |(?P<figure>(?<![\w#-])[0-9.]+[A-Za-z%_][\w%-]*)
    |(?P<hash>\#[\w-]+)
    |(?P<property>(?<![\w-])-?[A-Za-z][\w-]*(?=\s*:))
    |(?P<word>-{{0,2}}[A-Za-z_][\w-]*\(?)
    |(?P<end>[;{{}}])
    |(?P<foreign>[^\x00-\x7f])""",
    re.DOTALL | re.VERBOSE | re.IGNORECASE | re.ASCII,
)
# Names of functions and at-rules may be written as escapes, \75 rl( for url(: they are read as what they are.
_ESCAPED = re.compile(r"@?(?:[\w-]|\\[0-9a-fA-F]{1,6}+\s?+|\\[^0-9a-fA-F\n])*\\(?:[0-9a-fA-F]{1,6}\s?|[g-zG-Z])[\w-]*")
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_CHOICE = re.compile(rf"\[\s*([\w:|-]+)\s*([~|^$*]?=)\s*({_STRING}|[\w-]+)\s*([is]?)\s*\]", re.DOTALL | re.IGNORECASE)
_BARE = re.compile(r"\[[\w\s|:-]*\]", re.ASCII)
_AREAS = re.compile(r"[A-Za-z0-9_\s.-]*")
_SYNTAX = re.compile(r"\*|<[a-z-]+>[+#]?(?:\s*\|\s*<[a-z-]+>[+#]?)*")
_HEX = re.compile(r"#[0-9A-Fa-f]{3,8}")
_UNIT = re.compile(r"[0-9.]+(?:e[0-9]+)?([a-z]*)%?", re.IGNORECASE)
_NAMED = frozenset({"class", "id", "name", "for", "slot", "part"})
_WITH_AREAS = frozenset({"grid-template-areas", "grid-template", "grid", "grid-area"})
_LARGE = 4_096


def css_text(value: object) -> str:
    """Scrub a sheet or a rule out of a record; raises BadValue for a value that is no text."""
    return css(text(value))


def css(sheet: str) -> str:
    """Scrub a sheet, a rule or the declarations of a style attribute; works on any text and never raises.

    The rest behind a string without an end, or behind markup, is dropped. Takes 0.2 s of CPU for a megabyte. Results of
    large sheets are kept, since snapshots hold the same ones again and again.
    """
    return _css(sheet) if len(sheet) >= _LARGE else _css.__wrapped__(sheet)


@lru_cache(maxsize=16)
def _css(sheet: str) -> str:
    # Snapshots tell the same large sheets again and again.
    if "\\" in sheet:
        sheet = _ESCAPED.sub(_unescaped, sheet)
    return _TOKENS.sub(_Written(), sheet)


def is_closed(sheet: str) -> bool:
    """True where no comment, string or bracket is left open, so the text behind can be read on its own."""
    for found in _TOKENS.finditer(sheet):
        end = {"comment": "*/", "call": ")", "chosen": "]"}.get(found.lastgroup or "")
        if found["broken"] or (end and not found[0].endswith(end)):
            return False
    return not sheet.endswith(("\\", "@")) and (sheet.endswith("*/") or not sheet.endswith("/"))


def _unescaped(found: re.Match[str]) -> str:
    r"""Return the plain name where an escape hides a function or an at-rule; else as it is, such as ``.md\:flex``."""
    plain = _ESCAPE.sub(lambda one: chr(min(int(one[1], 16), 0x10FFFF)) if one[1] else one[2], found[0])
    return plain if re.fullmatch(r"@?[A-Za-z-]+", plain) else found[0]


class _Written:
    """Writes one token of a sheet after another, and knows the property around a value: it decides on strings.

    One object is for one sheet, since the property is remembered from token to token.
    """

    def __init__(self) -> None:
        self._property = ""

    def __call__(self, found: re.Match[str]) -> str:
        """Write a token for the copy; used by ``re.sub``, from a sheet's first token to its last."""
        kind, whole = found.lastgroup or "", found[0]
        if kind in _ALWAYS:
            return _ALWAYS[kind]
        if kind == "string":
            return _string(whole, self._property)
        if kind == "chosen":
            return _chosen(whole)
        # Elsewhere words are keywords, names of rules or selectors: the language has no place for text but strings.
        # A variable may hold any text, braces too; it ends where its declaration does.
        in_variable = self._property.startswith("--")
        if kind == "end":
            if whole != "{" or not in_variable:
                self._property = ""
        elif kind == "custom" or (kind == "property" and not in_variable):
            self._property = whole.lower()
        elif in_variable:
            return _known(whole)
        return whole


# Behind a string without an end, or markup, which is no CSS, it is not known what is a string: the rest goes.
# A call is to an address, which is no part of the copy; what is fetched otherwise goes with its whole statement.
_ALWAYS = {"comment": "/**/", "fetched": "", "broken": "", "call": "url()", "foreign": "x"}


def _string(quoted: str, property_name: str) -> str:
    quote, inner = quoted[0], quoted[1:].removesuffix(quoted[0])
    # Three properties take names as strings; masked, they would break a page's layout and hide nothing.
    kept = (
        (property_name in _WITH_AREAS and _AREAS.fullmatch(inner))
        or (property_name == "syntax" and _SYNTAX.fullmatch(inner))
        or (property_name in {"font-family", "font"} and inner.lower() in FONTS)
    )
    return quote + (inner if kept else _plain(inner)) + quote


def _plain(inner: str) -> str:
    """Mask a string's characters with x, an escape with a single one: a sign of an icon font is one escape."""
    return re.sub(r"[^\x00-\x7f]", "x", masked(_ESCAPE.sub("x", inner)))


def _chosen(whole: str) -> str:
    """Write a selector's condition on an attribute: the name, and the value where an element may keep that value."""
    if _BARE.fullmatch(whole):
        return whole
    found = _CHOICE.fullmatch(whole)
    if found is None:
        return "[x]"  # matches nothing, as the whole did in a browser
    name, sign, value, case = found.groups()
    inner = value[1:].removesuffix(value[0]) if value[0] in "\"'" else value
    kept = inner in WORDS or (name.lower() in _NAMED and names(inner) == inner)
    return f'[{name}{sign}"{inner if kept else _plain(inner)}"{" " if case else ""}{case}]'


def _known(word: str) -> str:
    """Keep a word of a variable's value that is a function, a variable, a colour, a figure or a keyword."""
    figure = _UNIT.fullmatch(word)
    if figure is not None and figure[1].lower() in {"", *GEOMETRY_WORDS}:
        return word
    if word.startswith("--") or word.endswith("(") or _HEX.fullmatch(word):
        return word
    return word if word.lower() in STYLE_WORDS else "".join(char if char in "#\\" else "x" for char in word)
