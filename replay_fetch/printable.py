"""Foreign text made fit for a terminal and a log line, and names made fit for a command that is to be typed."""

from __future__ import annotations

import shlex

_MARK = "…"


def printable(text: str, limit: int = 200) -> str:
    """Put ``text`` on a single line of at most ``limit`` characters, escapes made visible.

    Control characters, terminal escapes, bidirectional marks and lone surrogates come out as backslash escapes; runs
    of white space as a single space. Longer text ends in an ellipsis.
    """
    # No character shrinks by being made visible, but white space does: read somewhat more than is shown.
    line = " ".join(text[: 4 * limit].split())
    if not line.isprintable():
        line = "".join(char if char.isprintable() else _visible(char) for char in line)
    if len(line) <= limit and len(text) <= 4 * limit:
        return line
    return line[: limit - 1].rstrip() + _MARK


def as_argument(name: object) -> str:
    """Write a file's name or another word as an argument in a shell's command, quoted where that is needed.

    A name that begins with a dash, which would be an option, gets ``./`` in front; a dash alone is none.
    """
    text = str(name)
    return shlex.quote(f"./{text}" if text.startswith("-") and text != "-" else text)


def _visible(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
