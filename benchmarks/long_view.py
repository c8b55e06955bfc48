"""A view of any size, as no sample is: four hours of a table whose rows come and go, in two dialects."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Protocol

Json = dict[str, Any]  # Any: JSON
START = 1_795_000_000_000
SEGMENTS, SEGMENT_MS = 2_880, 5_000
ROWS, CELLS, MUTATIONS = 150, 6, 40
_WORDS = ("alpha", "beta", "delta", "order", "total", "shipped", "é", "ü", "東京", "status", "report", "queue")
_CSS = "".join(f".c{n}{{color:rgb({n % 255},{n * 7 % 255},{n * 3 % 255});padding:{n % 9}px}}" for n in range(1_600))


class Dialect(Protocol):
    """Writes the records of one page."""

    def full(self) -> Json: ...
    def mutation(self, at_ms: int, rows: int) -> Json: ...


def write_view(file: Path, dialect: str, size: int) -> int:
    """Write about ``size`` bytes of segments, one a line; returns the bytes that were written."""
    with file.open("w", encoding="utf-8") as lines:
        page: Dialect = Nested() if dialect == "6" else Changes()
        for segment in _segments(page, size // SEGMENTS):
            lines.write(json.dumps(segment) + "\n")
    return file.stat().st_size


def _segments(page: Dialect, room: int) -> Iterator[Json]:
    for index in range(SEGMENTS):
        start, records = START + index * SEGMENT_MS, list[Json]()
        if index == 0:
            records.append(
                {"type": 4, "timestamp": start, "data": {"href": "https://x/", "width": 1280, "height": 720}}
            )
            records.append(page.full())
        left = room
        for number in range(MUTATIONS):
            if left > 0:
                records.append(page.mutation(start + 100 * number, max(1, room // MUTATIONS // 900)))
                left -= len(json.dumps(records[-1]))
        yield {"records": records, "start": start, "end": start + SEGMENT_MS - 500, "index_in_view": index}


class _Page:
    def __init__(self) -> None:
        self.chance = random.Random(7)
        self.ids = count()

    def words(self, length: int) -> str:
        return " ".join(self.chance.choices(_WORDS, k=length)) + f" {self.chance.randrange(10**6)}"

    def style(self) -> str:
        return f"c{self.chance.randrange(1_600)}"


class Nested(_Page):
    """As SDK 6 writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Json] = []
        self.body: Json = {}

    def element(self, tag: str, attributes: Json, *children: Json) -> Json:
        return {"type": 2, "id": next(self.ids), "tagName": tag, "attributes": attributes, "childNodes": [*children]}

    def text(self, words: str) -> Json:
        return {"type": 3, "id": next(self.ids), "textContent": words}

    def row(self) -> Json:
        cells = [self.element("td", {"data-x": "1"}, self.text(self.words(4))) for _ in range(CELLS)]
        return self.element("tr", {"class": self.style()}, *cells)

    def full(self) -> Json:
        self.rows = [self.row() for _ in range(ROWS)]
        self.body = self.element("tbody", {}, *self.rows)
        head = self.element("head", {}, self.element("style", {"_cssText": _CSS}))
        html = self.element("html", {}, head, self.element("body", {}, self.element("table", {}, self.body)))
        document = {"type": 0, "id": next(self.ids), "childNodes": [html]}
        data = {"node": document, "initialOffset": {"left": 0, "top": 0}}
        return {"type": 2, "format": 0, "timestamp": START, "data": data}

    def mutation(self, at_ms: int, rows: int) -> Json:
        removes = [{"parentId": self.body["id"], "id": self.rows.pop()["id"]} for _ in range(rows)]
        adds = []
        for _ in range(rows):
            following = self.rows[0]["id"]
            self.rows.insert(0, self.row())
            adds.append({"parentId": self.body["id"], "nextId": following, "node": self.rows[0]})
        changed = self.chance.choices(self.rows, k=4)
        texts = [{"id": row["childNodes"][0]["childNodes"][0]["id"], "value": self.words(5)} for row in changed]
        attributes = [{"id": row["id"], "attributes": {"class": self.style()}} for row in changed]
        data = {"source": 0, "adds": adds, "removes": removes, "texts": texts, "attributes": attributes}
        return {"type": 3, "timestamp": at_ms, "data": data}


class Changes(_Page):
    """As SDK 7.10 writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, int] = {}
        self.fresh: list[str] = []
        self.nodes: list[list[object]] = []
        self.rows: list[tuple[int, int]] = []
        self.body = 0

    def string(self, words: str) -> int:
        if words not in self.numbers:
            self.numbers[words] = len(self.numbers)
            self.fresh.append(words)
        return self.numbers[words]

    def put(self, point: int | None, name: str, *rest: object) -> int:
        self.nodes.append([point, self.string(name), *rest])
        return next(self.ids)

    def below(self, parent: int, name: str, *rest: object) -> int:
        number = next(self.ids)
        self.ids = count(number)  # looked at, not taken
        return self.put(number - parent, name, *rest)

    def row(self, before: int | None = None) -> tuple[int, int]:
        """A row's number and that of its first text."""
        style = [self.string("class"), self.string(self.style())]
        number = next(self.ids)
        self.ids = count(number)
        row = self.put(number - self.body if before is None else before - number, "TR", style)
        first = 0
        for _ in range(CELLS):
            cell = self.below(row, "TD", [self.string("data-x"), self.string("1")])
            text = self.below(cell, "#text", self.string(self.words(4)))
            first = first or text
        return row, first

    def record(self, kind: Json, at_ms: int, *items: Sequence[object]) -> Json:
        strings: list[list[object]] = [[11, [4, *self.fresh]]] if self.fresh else []
        nodes: list[list[object]] = [[1, *self.nodes]] if self.nodes else []
        self.fresh, self.nodes = [], []
        return kind | {"timestamp": at_ms, "data": [*strings, *nodes, *items]}

    def full(self) -> Json:
        document = self.put(None, "#document")
        html = self.below(document, "HTML")
        style = self.below(self.below(html, "HEAD"), "STYLE")
        self.body = self.below(self.below(self.below(html, "BODY"), "TABLE"), "TBODY")
        self.rows = [self.row() for _ in range(ROWS)]
        return self.record({"type": 2, "format": 1}, START, [7, [self.string(_CSS)]], [8, [style, 0]])

    def mutation(self, at_ms: int, rows: int) -> Json:
        removes = [2, *(self.rows.pop()[0] for _ in range(rows))]
        for _ in range(rows):
            self.rows.insert(0, self.row(self.rows[0][0]))
        changed = self.chance.choices(self.rows, k=4)
        texts = [4, *([text, self.string(self.words(5))] for _, text in changed)]
        attributes = [3, *([row, [self.string("class"), self.string(self.style())]] for row, _ in changed)]
        return self.record({"type": 12}, at_ms, removes, attributes, texts)
