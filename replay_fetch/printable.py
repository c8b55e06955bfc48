"""Foreign text made fit for a terminal and a log line."""

from __future__ import annotations

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


def _visible(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
