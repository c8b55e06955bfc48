"""What pages really showed, held against what is rebuilt: ``python tests/kit/truth.py`` prints the table.

A moment is compared on a grid of 30 ms up to 600 ms later, for the SDK records with a delay; the best place counts.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from recorded_views import FOLDERS, SAMPLES, Recorded, recorded_views, records_of

from replay_fetch.replay.account import Account
from replay_fetch.replay.forms import is_box, is_checked, is_field, value_of
from replay_fetch.replay.page import ELEMENT, TEXT, Page
from replay_fetch.replay.recording import Players
from replay_fetch.replay.segments import read_segment
from replay_fetch.replay.stage import Stage

GRID_MS, LATEST_MS = 30, 600
KINDS = ("words", "values", "scroll", "element scroll")
_UNSHOWN = {"script", "style", "noscript", "template"}
# Why a moment may show something else, by what the page is known to have done; all else is a fault of ours.
NOT_RECORDED = {
    "attachShadow on an element that is recorded already": re.compile(r"attached later|changed in shadow"),
    "masked or hidden by its attribute": re.compile(r"masked by attribute|hidden block"),
}
MASKED = "***"


class Difference(NamedTuple):
    """One thing that is not as it was."""

    kind: str
    what: str
    reason: str
    """Why nobody could show it; empty where that is ours to mend."""


class Moment(NamedTuple):
    """A moment of truth and what differs in it."""

    sdk: str
    scenario: str
    compared: Counter[str]
    differences: tuple[Difference, ...]


class Shown(NamedTuple):
    """A page at one time, as far as it is compared."""

    words: str
    fields: dict[str, list[object]]
    scroll: list[int]
    scrolls: dict[str, list[int]]


def plain(text: str) -> str:
    """A text without the differences that spaces and lone surrogates make."""
    return re.sub(r"\s+", "", re.sub("[\ud800-\udfff]", "\ufffd", text)).lower()


@cache
def truth() -> dict[str, list[Any]]:  # Any: JSON
    points = [
        json.loads(line) for folder in FOLDERS for line in (SAMPLES / folder / "truth.ndjson").read_text().splitlines()
    ]
    points.sort(key=lambda point: (point["view_id"], point["t"]))
    return {view: list(together) for view, together in groupby(points, lambda point: point["view_id"])}


def shown(page: Page) -> Shown:
    words: list[str] = []
    fields: dict[str, list[object]] = {}
    scrolls: dict[str, list[int]] = {}
    for node in page.root.walk() if page.root else ():
        if node.kind == TEXT and node.parent is not None and node.parent.name not in _UNSHOWN:
            words.append(node.text)
        if node.kind != ELEMENT:
            continue
        named = node.attributes.get("id", "")
        if is_field(node):
            kind = (
                "select-one"
                if node.name == "select"
                else ("textarea" if node.name == "textarea" else node.attributes.get("type", "text"))
            )
            held = is_checked(node) if is_box(node) else value_of(node)
            for name in {named, kind} - {""}:
                fields.setdefault(name, []).append(held)
        elif node.name in {"details", "dialog"}:
            fields.setdefault(named, []).append("open" in node.attributes)
        if node.scroll and any(node.scroll):
            scrolls[named] = [round(offset) for offset in node.scroll]
    return Shown(plain("".join(words)), fields, [round(offset) for offset in page.scroll], scrolls)


def moments(view: Recorded) -> Iterator[Moment]:
    """Every moment of a view, compared."""
    points = truth().get(view.view_id, [])
    states = list(_states(view, [point["t"] + late for point in points for late in range(0, LATEST_MS + 1, GRID_MS)]))
    end_ms = max(record["timestamp"] for segment in view.segments for record in records_of(segment))
    grid = LATEST_MS // GRID_MS + 1
    by_point = [states[at * grid : (at + 1) * grid] for at in range(len(points))]
    before: dict[str, object] = {}
    for point, there in zip(points, by_point, strict=True):
        best = min((list(_differences(point, state, before)) for state in there), key=len)
        if point["t"] > end_ms:  # what comes behind the last record was never sent
            best = [each if each.reason else each._replace(reason="behind the last record") for each in best]
        compared = Counter(words=1, values=bool(_fields(point)), scroll="scroll" in point)
        compared["element scroll"] = len(point.get("scrolls", {}))
        yield Moment(view.sdk, point["scenario"], compared, tuple(best))
        before = dict(_fields(point))


def _fields(point: Any) -> list[list[Any]]:  # Any: JSON
    fields: list[list[Any]] = [field[:2] for field in point.get("forms", point.get("inputs", []))]
    return fields


def _differences(point: Any, state: Shown, before: dict[str, object]) -> Iterator[Difference]:  # Any: JSON
    for words in point["words"] if "words" in point else re.split(r"[\n\t]", point["text"]):
        if plain(words) not in state.words:
            reason = next((why for why, pattern in NOT_RECORDED.items() if pattern.search(words)), "")
            yield Difference("words", words, reason)
    yield from _field_differences(point, state, before)
    if "scroll" in point and point["scroll"] != state.scroll:
        yield Difference("scroll", f"{point['scroll']} {state.scroll}", "")
    for name, to in point.get("scrolls", {}).items():
        if name not in {"HTML", "BODY"} and state.scrolls.get(name) != to:
            yield Difference("element scroll", f"{name} {to} {state.scrolls.get(name)}", "")


def _field_differences(point: Any, state: Shown, before: dict[str, object]) -> Iterator[Difference]:  # Any: JSON
    wrong = [(name, held) for name, held in _fields(point) if held not in state.fields.get(name, [])]
    # A reset gives many fields at once what they had in the beginning, and the SDK hears of none.
    reset = len([name for name, held in wrong if before.get(name) != held and MASKED not in _held(state, name)]) > 10
    for name, held in wrong:
        there = _held(state, name)
        reason = ""
        if MASKED in there:
            reason = "masked"
        elif name in {"pr", "me"}:
            reason = "progress and meter values"
        elif isinstance(held, str) and "|" in held and held.split("|")[0] in there:
            reason = "all but the first choice of a multiple select"
        elif reset:
            reason = "form.reset()"
        yield Difference("values", f"{name}={held!r}, not {there}", reason)


def _held(state: Shown, name: str) -> list[object]:
    return state.fields.get(name, [])


def _states(view: Recorded, times: list[int]) -> Iterator[Shown]:
    """The page at some times in order."""
    account = Account()
    stage = Stage([], account.notes)
    players = Players(stage, account)
    waiting = sorted(range(len(times)), key=lambda at: times[at])
    found: dict[int, Shown] = {}
    for segment in dict.fromkeys(view.segments):
        read = read_segment(segment)
        players.begin(read)
        for record in read.records:
            while waiting and players.is_behind(record, times[waiting[0]]):
                found[waiting.pop(0)] = shown(stage.page)
            players.play(record)
    last = shown(stage.page)
    return (found.get(at, last) for at in range(len(times)))


def main() -> None:
    """Print how many moments show what they showed, by SDK, and why the others do not."""
    every = [moment for view in recorded_views() for moment in moments(view)]
    for sdk in sorted({moment.sdk for moment in every}):
        ours = [moment for moment in every if moment.sdk == sdk]
        cells = []
        for kind in KINDS:
            there = sum(moment.compared[kind] > 0 for moment in ours)
            wrong = [moment for moment in ours if any(each.kind == kind for each in moment.differences)]
            faults = [m for m in wrong if any(each.kind == kind and not each.reason for each in m.differences)]
            cells.append(f"{kind} {there - len(faults)} of {there} ({len(wrong) - len(faults)} not recorded in part)")
        print(sdk, ", ".join(cells), sep=": ")  # noqa: T201 - this is its purpose
    reasons = Counter((each.kind, each.reason or each.what) for moment in every for each in moment.differences)
    for (kind, reason), times in sorted(reasons.items()):
        print(f"{times:>5}  {kind}: {reason}")  # noqa: T201 - as above


if __name__ == "__main__":
    main()
