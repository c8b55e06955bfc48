"""What a replay shows, held against what the recorded page really showed at the same moment.

``python -m benchmarks.player.truth FOLDER …``; a folder of recordings has segments/, pairs.csv and truth.ndjson.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.player.browser import Player

PROBE = (Path(__file__).parent / "probe.js").read_text("utf-8")
# The page told its truth after the moment was noted, and the SDK sends what changed in batches: both take their time.
GRID_MS, REACH_MS = 30, 600
_NEAR_PX = 2
_MASKED_TYPES = {"email", "password", "hidden", "file", "tel"}

# Masked and hidden by attributes of the sample shop's checkout; its truth tells them all the same.
_KEPT_BACK = re.compile(r"Account 4929-1111-2222 \(masked by attribute\)|hidden block")

Shown = Mapping[str, Any]  # Any: what the probe says of a page


class Score(NamedTuple):
    """How much of what was compared is the same."""

    same: int
    of: int

    @property
    def share(self) -> float:
        """Per cent."""
        return 100 * self.same / self.of if self.of else 100.0


@dataclass(slots=True)
class Tally:
    """The scores of one SDK by what was compared, and the differences that remain."""

    scores: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    left: Counter[str] = field(default_factory=Counter)
    points: int = 0

    def score(self, what: str) -> Score:
        """The score of one kind of comparison."""
        return Score(self.scores[what]["same"], self.scores[what]["of"])


def compare(player: Player, points: list[Shown], tally: Tally) -> None:
    """Add the points of the session that the page shows."""
    index = player.index()
    views = {view["id"]: view for view in index["views"] if view["chunks"]}
    start = min(view["start"] for view in views.values())
    for point in points:
        if point["view_id"] not in views:
            tally.left["not compared: the view has no recording"] += 1
            continue
        if point["t"] > views[point["view_id"]]["end"]:
            tally.left["not compared: behind the end of what was recorded"] += 1
            continue
        best = min(_looks(player, point, start), key=lambda found: found.distance)
        tally.points += 1
        for what, (same, of) in best.scores.items():
            tally.scores[what].update(same=same, of=of)
        tally.left.update(best.left)


@dataclass(slots=True)
class _Look:
    """One look at the replay near a point."""

    scores: dict[str, Score]
    left: list[str]

    @property
    def distance(self) -> int:
        weights = {"words": 1000, "values": 1000, "page scroll": 1000}
        return sum((score.of - score.same) * weights.get(what, 1) for what, score in self.scores.items())


def _looks(player: Player, point: Shown, start: int) -> Iterator[_Look]:
    """Looks at the replay from the point's time on, until one finds nothing different."""
    for later in range(0, REACH_MS + 1, GRID_MS):
        player.seek(point["view_id"], (point["t"] + later - start) / 1000)
        look = _look(point, player.ask(PROBE))
        yield look
        if not look.distance:
            return


def _look(truth: Shown, shown: Shown) -> _Look:
    look = _Look({}, [])
    if "words" in truth:
        _same_words(look, truth["words"], shown["words"])
        _same_items(look, "values", [tuple(one) for one in truth["forms"]], [tuple(one) for one in shown["forms"]])
        _same_map(look, "element scroll", truth["scrolls"], shown["scrolls"], _near)
        _same_map(look, "boxes", truth["boxes"], shown["boxes"], _near)
        _same_map(look, "looks", truth["looks"], shown["looks"], lambda one, other: bool(one == other))
    else:
        _same_words(look, _words(truth["text"]), _words(shown["text"]))
        _same_fields(look, truth["inputs"], shown["inputs"])
    scrolled = _near(truth["scroll"], shown["scroll"])
    look.scores["page scroll"] = Score(int(scrolled), 1)
    if not scrolled:
        look.left.append(f"page scroll {truth['scroll']} shown as {shown['scroll']}")
    return look


def _same_words(look: _Look, truth: list[str], shown: list[str]) -> None:
    """Words in order; what the SDK masked with x may be anything."""
    same = len(truth) == len(shown) and all(
        one == other or _masked(other) for one, other in zip(truth, shown, strict=True)
    )
    look.scores["words"] = Score(int(same), 1)
    if not same:
        lost, more = Counter(truth) - Counter(shown), Counter(shown) - Counter(truth)
        look.left += [f"words not shown: {word[:40]!r}" for word in lost]
        look.left += [f"words shown and not there: {word[:40]!r}" for word in more if not _masked(word)]
        if not lost and not more:
            look.left.append("words in another order")


def _words(text: str) -> list[str]:
    """Words without those that are kept back, in the truth as they are, in a replay as x."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [word for line in lines for word in _KEPT_BACK.sub("", line).split() if not _masked(word)]


def _masked(word: str) -> bool:
    return re.fullmatch(r"[x*\s]+", word) is not None


def _same_items(look: _Look, what: str, truth: list[tuple[Any, ...]], shown: list[tuple[Any, ...]]) -> None:
    lost, more = Counter(truth) - Counter(shown), Counter(shown) - Counter(truth)
    look.scores[what] = Score(int(not lost and not more), 1)
    look.left += [f"{what}: {item[0]} was {item[1]!r}"[:70] for item in lost]
    look.left += [f"{what}: {item[0]} shown as {item[1]!r}"[:70] for item in more]


def _same_fields(look: _Look, truth: list[list[Any]], shown: list[list[Any]]) -> None:
    """Fields in order; what is masked by its kind, or shown as stars, was not recorded."""
    known = [
        (one, other)
        for one, other in zip(truth, shown, strict=False)
        if one[0] not in _MASKED_TYPES and not (isinstance(other[1], str) and other[1] and _masked(other[1]))
    ]
    different = [(one, other) for one, other in known if one != other]
    look.scores["values"] = Score(int(not different and len(truth) == len(shown)), 1)
    look.left += [f"value {one} shown as {other}" for one, other in different]


def _same_map(look: _Look, what: str, truth: Shown, shown: Shown, alike: Any) -> None:  # Any: two values to a bool
    different = [name for name, value in truth.items() if name not in shown or not alike(value, shown[name])]
    look.scores[what] = Score(len(truth) - len(different), len(truth))
    look.left += [f"{what}: {name}" for name in different]


def _near(one: list[float], other: list[float]) -> bool:
    return all(abs(a - b) <= _NEAR_PX for a, b in zip(one, other, strict=True))


def read_truth(folder: Path) -> dict[str, list[Shown]]:
    """The points of a folder by session, in order of time."""
    points: dict[str, list[Shown]] = defaultdict(list)
    for line in (folder / "truth.ndjson").read_text("utf-8").splitlines():
        point = json.loads(line)
        points[point["session_id"]].append(point)
    return {session: sorted(found, key=lambda point: point["t"]) for session, found in points.items()}
