"""What the SDK does not record of the pages of the recordings, by name, taken out of the truth with its reason.

The pages are known: the sample shop, and two pages made to be hard (``dom.html``, ``forms.html``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Shown = Mapping[str, Any]  # Any: what a probe says of a page

_WORDS = {
    "attached later": "attachShadow on an element already recorded",
    "changed in shadow": "attachShadow on an element already recorded",
    "popover text": "popover state",
}
_VALUES = {
    "i-tel": "telephone and card fields are masked",
    "i-cc": "telephone and card fields are masked",
    "pr": "progress and meter values",
    "me": "progress and meter values",
}
_ELEMENTS = {
    "hid": "a hidden element's attributes, its id too",
    "hid2": "a hidden element's attributes, its id too",
    "h1p": "attachShadow on an element already recorded",
    "pop": "popover state",
}
# Masked and hidden by attributes of the sample shop's checkout; its truth tells them all the same.
_KEPT_BACK = re.compile(r"Account 4929-1111-2222 \(masked by attribute\)|hidden block")
_LATE_SHEETS = range(5, 11)  # the points of dom.html between its late sheets and its next full snapshot
_SHADOW_SCROLL = 9  # there the page is scrolled to an end that the missing shadow root moved
_RESET = 12


def recorded(point: Shown) -> tuple[dict[str, Any], list[str]]:
    """The truth without what was not recorded, and what that is."""
    if "words" not in point:
        lines = (" ".join(line.split()) for line in point["text"].splitlines())
        return {**point, "text": "\n".join(_KEPT_BACK.sub("", line) for line in lines)}, []
    left, reasons = dict(point), list(_reasons(point))
    left["words"] = recorded_words(point["words"])
    left["forms"] = [[name, _first(value)] for name, value in point["forms"] if name not in _VALUES]
    for part in ("boxes", "looks"):
        left[part] = {name: value for name, value in point[part].items() if name not in _ELEMENTS}
    page = point["scenario"].partition("-")[0]
    if page == "dom" and point["n"] in _LATE_SHEETS:
        left["boxes"], left["looks"] = {}, {}
    if page == "dom" and point["n"] == _SHADOW_SCROLL:
        left["scroll"] = None
    if page == "forms" and point["n"] == _RESET:
        left["forms"] = None
    return left, reasons


def recorded_words(words: Sequence[str]) -> list[str]:
    """Words without those that a replay shows from the next full snapshot on, and not before."""
    return [word for word in words if word not in _WORDS]


def _reasons(point: Shown) -> Iterator[str]:
    yield from {_WORDS[word] for word in point["words"] if word in _WORDS}
    yield from {_VALUES[name] for name, _ in point["forms"] if name in _VALUES}
    if any(isinstance(value, str) and value != _first(value) for _, value in point["forms"]):
        yield "all but the first choice of a multiple select"
    if point["scenario"].startswith("dom") and point["n"] in _LATE_SHEETS:
        yield "sheets adopted on the document later"
    if point["scenario"].startswith("forms") and point["n"] == _RESET:
        yield "form.reset()"


def _first(value: object) -> object:
    """Of several choices, joined with bars, the first."""
    return value.partition("|")[0] if isinstance(value, str) else value
