"""What a replay shows, held against what the recorded page really showed at the same moment.

``python -m benchmarks.player.truth FOLDER …``: one table over folders of recordings.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.player.browser import Player, browser, profile
from benchmarks.player.recordings import Shown, read_sdks, read_truth, read_views, write_page
from benchmarks.player.unrecorded import recorded, recorded_words

PROBE = (Path(__file__).parent / "probe.js").read_text("utf-8")
KINDS = ("words", "values", "page scroll", "element scroll", "looks", "boxes")
# The page told its truth after the moment was noted, and the SDK sends what changed in batches: both take their time.
GRID_MS, REACH_MS = 30, 600
_NEAR_PX = 2
# No later look mends these. Where no script may draw, a canvas has no size: it is shown as a block that has. A picture
# that had failed to load showed its words, here it has its place: that moves what stands behind it.
BY_DESIGN = {"looks: cv", "boxes: im2", "boxes: fr", "boxes: au", "boxes: vi"}
_MASKED_TYPES = {"email", "password", "hidden", "file", "tel"}


class Score(NamedTuple):
    """How much of what was compared is the same."""

    same: int
    of: int

    def __str__(self) -> str:
        return f"{self.same}/{self.of} ({100 * self.same / self.of:.1f} %)" if self.of else "-"


@dataclass(slots=True)
class Tally:
    """The scores of one SDK by what was compared, and the differences that remain."""

    same: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    unrecorded: Counter[str] = field(default_factory=Counter)
    points: int = 0

    def score(self, kind: str) -> Score:
        """The score of one kind of comparison."""
        return Score(self.same[kind], self.of[kind])


def compare(player: Player, points: Sequence[Shown], tally: Tally) -> None:
    """Add the points of the session that the page shows."""
    views = {view["id"]: view for view in player.index()["views"] if view["chunks"]}
    start = min(view["start"] for view in views.values())
    for point in points:
        view = views.get(point["view_id"])
        if view is None or point["t"] > view["end"]:
            tally.unrecorded[
                "no segment of this view came" if view is None else "behind the last segment that came"
            ] += 1
            continue
        truth, reasons = recorded(point)
        best = min(_looks(player, truth, start), key=lambda look: look.distance)
        tally.points += 1
        tally.unrecorded.update(reasons)
        tally.left.update(best.left)
        for kind, score in best.scores.items():
            tally.same[kind] += score.same
            tally.of[kind] += score.of


@dataclass(slots=True)
class _Look:
    """One look at the replay near a point."""

    scores: dict[str, Score] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    @property
    def distance(self) -> int:
        heavy = {"words", "values", "page scroll"}
        return sum((score.of - score.same) * (1000 if kind in heavy else 1) for kind, score in self.scores.items())

    def add(self, kind: str, same: bool, differences: Sequence[str]) -> None:  # noqa: FBT001 - the verdict itself
        self.scores[kind] = Score(int(same), 1)
        self.left += [f"{kind}: {difference}"[:90] for difference in differences]


def _looks(player: Player, truth: Shown, start: int) -> Iterator[_Look]:
    """Looks at the replay from the point's time on, until one finds nothing that time could mend."""
    for later in range(0, REACH_MS + 1, GRID_MS):
        player.seek(truth["view_id"], (truth["t"] + later - start) / 1000)
        look = _look(truth, player.ask(PROBE))
        yield look
        if set(look.left) <= BY_DESIGN:
            return


def _look(truth: Shown, shown: Shown) -> _Look:
    look = _Look()
    if "words" in truth:
        _words(look, truth["words"], recorded_words(shown["words"]))
        if truth["forms"] is not None:
            _values(look, truth["forms"], shown["forms"])
        _parts(look, "element scroll", (truth["scrolls"], shown["scrolls"]), _near)
        _parts(look, "boxes", (truth["boxes"], shown["boxes"]), _near)
        _parts(look, "looks", (truth["looks"], shown["looks"]), lambda one, other: bool(one == other))
    else:
        _words(look, truth["text"].split(), [word for word in shown["text"].split() if not _masked(word)])
        _fields(look, truth["inputs"], shown["inputs"])
    if truth["scroll"] is not None:
        same = _near(truth["scroll"], shown["scroll"])
        look.add("page scroll", same, [] if same else [f"{truth['scroll']} shown as {shown['scroll']}"])
    return look


def _words(look: _Look, truth: list[str], shown: list[str]) -> None:
    """Words in their order."""
    lost, more = Counter(truth) - Counter(shown), Counter(shown) - Counter(truth)
    said = [f"not shown: {word!r}" for word in lost] + [f"shown: {word!r}" for word in more]
    look.add("words", truth == shown, said or ([] if truth == shown else ["in another order"]))


def _masked(word: str) -> bool:
    return re.fullmatch(r"[x*]+", word) is not None


def _values(look: _Look, truth: list[list[Any]], shown: list[list[Any]]) -> None:
    """Fields by name; those whose truth is not compared are passed over."""
    names = {name for name, _ in truth}
    was = Counter((name, value) for name, value in truth)
    now = Counter((name, _comparable(value)) for name, value in shown if name in names)
    said = [f"{name} was {value!r}" for name, value in was - now]
    look.add("values", was == now, said + [f"{name} shown as {value!r}" for name, value in now - was])


def _comparable(value: object) -> object:
    return value.partition("|")[0] if isinstance(value, str) else value


def _fields(look: _Look, truth: list[list[Any]], shown: list[list[Any]]) -> None:
    """Fields in order; what is masked by its kind, or shown as stars, was not recorded."""
    pairs = zip(truth, shown, strict=False)
    known = [(one, other) for one, other in pairs if one[0] not in _MASKED_TYPES and not _starred(other[1])]
    said = [f"{one} shown as {other}" for one, other in known if one != other]
    look.add("values", not said and len(truth) == len(shown), said)


def _starred(value: object) -> bool:
    return isinstance(value, str) and _masked(value)


def _parts(look: _Look, kind: str, both: tuple[Shown, Shown], alike: Callable[[Any, Any], bool]) -> None:
    """Elements by their ids."""
    truth, shown = both
    different = [name for name, value in truth.items() if name not in shown or not alike(value, shown[name])]
    look.scores[kind] = Score(len(truth) - len(different), len(truth))
    look.left += [f"{kind}: {name}" for name in different]


def _near(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(abs(a - b) <= _NEAR_PX for a, b in zip(one, other, strict=True))


def tallies(folder: Path, scratch: Path) -> Mapping[str, Tally]:
    """A folder's tallies by SDK."""
    found: dict[str, Tally] = defaultdict(Tally)
    truth, sdks, views = read_truth(folder), read_sdks(folder), read_views(folder)
    with browser() as started, profile(started) as used:
        for session_id, points in truth.items():
            page = scratch / f"{session_id}.html"
            write_page(page, session_id, views[session_id])
            with Player(used, page) as player:
                compare(player.open(), points, found[sdks[session_id]])
    return found


def main(folders: Sequence[str]) -> None:
    """Print the tables."""
    for folder in map(Path, folders):
        with tempfile.TemporaryDirectory() as scratch:
            found = tallies(folder, Path(scratch))
        print(f"\n{folder.name}\n\n| SDK | points | {' | '.join(KINDS)} |\n|---|---|{'---|' * len(KINDS)}")
        for sdk, tally in sorted(found.items()):
            print(f"| {sdk} | {tally.points} | {' | '.join(str(tally.score(kind)) for kind in KINDS)} |")
        for title, counted in (("left", "left"), ("not recorded, not compared", "unrecorded")):
            total: Counter[str] = sum((getattr(tally, counted) for tally in found.values()), Counter())
            print(
                f"\n{title}: {'; '.join(f'{reason} ({number})' for reason, number in total.most_common()) or 'nothing'}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
