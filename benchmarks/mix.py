"""The mix that users have: views of one to three pages, small and large ones, three views a session, in every shape.

Which pages a view has is told by the last digit of its id, so that a server of files can answer any list and bare
aiohttp knows how often to ask. ``python -m benchmarks.mix FOLDER SHAPE…`` writes ``FOLDER/SHAPE/3-2.json``, the second
page of views that end in 3.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from replay_fetch.simulator.choices import Shape

VIEWS = 3
"""Views of a session."""
PAGES_OF_VIEW = dict(zip("0123456789abcdef", (1, 2, 1, 3, 1, 2, 1, 2, 3, 1, 2, 1, 1, 3, 2, 1), strict=True))
"""By the last digit of the view's id: 1.7 on average."""
SMALLEST, LARGEST = 3_000, 290_000
SHAPES = (Shape.SEGMENTS, Shape.JSON_API, Shape.NESTED, Shape.LINKS_NEXT, Shape.LINK_HEADER, Shape.NDJSON)
LINKED = (Shape.LINK_HEADER, Shape.NDJSON)
"""Those whose body has no room for a token; the header ``link`` leads on."""


def sizes() -> dict[tuple[str, int], int]:
    """The bytes of each page, by the view's last digit and the page's number: as many of each magnitude."""
    pages = [(digit, page) for digit, count in PAGES_OF_VIEW.items() for page in range(1, count + 1)]
    step = (LARGEST / SMALLEST) ** (1 / (len(pages) - 1))
    # 10 and 27 have no common divisor: neighbours differ, and every size comes once.
    return {page: round(SMALLEST * step ** (10 * at % len(pages))) for at, page in enumerate(pages)}


def mean_size() -> int:
    """Bytes of a page on average."""
    found = sizes().values()
    return sum(found) // len(found)


def pages_of(views: Path) -> int:
    """How many pages the views of a list have."""
    with views.open(newline="", encoding="utf-8") as file:
        return sum(PAGES_OF_VIEW[row["view_id"][-1]] for row in csv.DictReader(file))


def write(folder: Path, shape: Shape) -> None:
    """The pages of all views, in that shape."""
    # Loaded where pages are made alone: the peak of every program counts from what is loaded beside it.
    from benchmarks.pages import filled  # noqa: PLC0415
    from replay_fetch.simulator.shapes import Bodies, Way  # noqa: PLC0415

    (folder / shape).mkdir(parents=True)
    size_of = sizes()
    for digit, count in PAGES_OF_VIEW.items():
        bodies, start = Bodies(shape), 0
        for page, segments in enumerate(filled([size_of[digit, page] for page in range(1, count + 1)]), 1):
            token = f"p{page + 1}" if page < count else None
            body = bodies.body(segments, start, Way(token, f"?source=event_platform&paging={token}" if token else None))
            (folder / shape / f"{digit}-{page}.json").write_bytes(body.octets)
            start += len(segments)


if __name__ == "__main__":
    for wanted in sys.argv[2:]:
        write(Path(sys.argv[1]), Shape(wanted))
