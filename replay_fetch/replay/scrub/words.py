"""Strings by their role: texts as ``x``, addresses as their shape, names and known words as they are.

Each function takes the string of one role and returns the string for the copy; BadValue says that nothing may stay.
"""

from __future__ import annotations

import re
import unicodedata

from replay_fetch.replay.scrub.known_words import ELEMENTS, GEOMETRY_WORDS, WORDS
from replay_fetch.replay.values import BadValue, text

# Blanks that change how a line breaks; every other blank becomes a plain space, so that none can carry a message.
_BLANKS = frozenset(" \t\n\r\f\u00a0\u3000")
_LAST_KEPT = 0xFFFF


class _Mask(dict[int, str]):
    """A table for ``str.translate``: from a character's code to its mask, filled in as characters are met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char in _BLANKS:
            written = char
        elif char.isspace():
            written = " "
        else:
            # Wide characters take two columns: a plain x would make lines of Chinese half as long.
            written = "\uff58" if unicodedata.east_asian_width(char) in "WF" else "x"
        if code <= _LAST_KEPT:
            self[code] = written
        return written


_MASK = _Mask()


def masked(words: str) -> str:
    """Replace every character of a text but blanks, one for one, as the SDK itself masks: lines keep their breaks."""
    return words.translate(_MASK)


def masked_text(value: object) -> str:
    """Mask a value out of a record, one x for each character; raises BadValue for a value that is no text."""
    return masked(text(value))


# Behind the last @ of the authority stands the host; a user name and a password may stand before it.
_ORIGIN = re.compile(
    r"((?:https?|wss?):)?//(?:[^/?#\\]*@)?((?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(?=[/?#]|\Z)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\s*[a-z][a-z0-9+.-]*:|[\s/\\]*[/\\]{2}", re.IGNORECASE)


def address(href: str) -> str:
    """Reduce an address to its origin and its path's shape; user names, queries and fragments go.

    ``https://a.example/item/7?mail=b`` becomes ``https://a.example/xxxx/x``. Empty for schemes that are no place on
    the web (``data:``, ``mailto:``, ``javascript:``) and for hosts that are no plain names.
    """
    found = _ORIGIN.match(href)
    # mailto: and tel: name people, data: holds what was shown, and a host with other letters may be any text.
    if found is None and _SCHEME.match(href):
        return ""
    origin = f"{found[1] or ''}//{found[2]}{found[3] or ''}" if found else ""
    path = re.split(r"[?#]", href[found.end() :] if found else href, maxsplit=1)[0]
    return origin + "/".join("x" * len(step) for step in path.split("/"))


def address_text(value: object) -> str:
    """Reduce an address out of a record to origin and shape; raises BadValue for a value that is no text."""
    return address(text(value))


# Class names, ids and names of fields are words of those who made the page: style sheets and radio groups hang on
# them. Quotes, blanks and an @ inside are in no such name, but in what people write.
_NAME = re.compile(r"@?[A-Za-z0-9_:\[*&>-][A-Za-z0-9_:/.,\[\]()#%!&>*=~|+-]{0,99}")
# The dash is what makes an element a site's own, by the standard.
_CUSTOM = re.compile(r"[a-z][a-z0-9]{0,30}(?:-[a-z0-9]{1,30}){1,5}", re.IGNORECASE)


def names(value: str) -> str:
    """Keep from a list, separated by blanks, the class names or ids; other words of the list go."""
    return " ".join(name for name in value.split() if _NAME.fullmatch(name))


def tag(name: str) -> str:
    """Keep an element's name if HTML, SVG or MathML has it, or with the dash of a site's own; else write ``div``."""
    # A name without a dash that no standard has was written by hand, or is a text that a broken record misplaced.
    language, _, local = name.rpartition(">")
    known = local.lower() in ELEMENTS or _CUSTOM.fullmatch(local)
    return name if known and language in {"", "svg", "math"} else "div"


# The e of an exponent is no word among the units.
_EXPONENT = re.compile(r"(?<=[0-9])[eE](?=[-+]?[0-9])")
_LETTERS = re.compile(r"[A-Za-z]+")
_FIGURES = re.compile(r"[-+.,;%()\s0-9]*")
# A letter of a path has figures behind it, but for the one that closes it: no word is a path.
# Possessive (++, *+): a stranger's megabyte of figures takes one pass.
_PATH = re.compile(
    r"(?:[MmLlHhVvCcSsQqTtAa](?=[\s,]*[-+.0-9])|[Zz](?=[\s,]*(?:[Mm]|\Z))|[-+.0-9]++|[\s,]++|[eE](?=[-+]?[0-9]))*+"
)


def geometry(value: str) -> str:
    """Keep figures with their units and functions, such as ``translate(3px)``; raises BadValue for other words."""
    plain = _EXPONENT.sub("", value)
    if not _FIGURES.fullmatch(_LETTERS.sub("", plain)) or not GEOMETRY_WORDS.issuperset(_LETTERS.findall(plain)):
        raise BadValue("no geometry")
    return value


def path(value: str) -> str:
    """Keep a path of SVG, letters with figures behind them; raises BadValue for every other text."""
    if not _PATH.fullmatch(value):
        raise BadValue("no path")
    return value


def word(value: str) -> str:
    """Keep a known word, such as ``checked``, or the empty text; raises BadValue for every other."""
    if value and value not in WORDS and value.lower() not in WORDS:
        raise BadValue("no known word")
    return value
