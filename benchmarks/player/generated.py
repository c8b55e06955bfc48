"""A view of any size, drawn: four hours of a table whose rows come and go, in segments of 5 s, as SDK 6 writes them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

START_MS = 1_795_000_000_000
SEGMENTS, SEGMENT_MS = 2_880, 5_000
_ROWS, _CELLS, _CLASSES = 150, 6, 800
_WORDS = ("alpha", "beta", "order", "invoice", "total", "shipped", "pending", "é", "ü", "東京", "queue", "worker")
_MUTATIONS = 40
"""Of a segment, at most; its size decides how many there are."""


class _Table:
    """The page as it stands, and the records that change it."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._last = 0
        self._rows: list[dict[str, object]] = []
        self._texts: dict[object, object] = {}
        """The first text of each row, by the row's id."""

    def full(self) -> dict[str, object]:
        """The full snapshot's data."""
        self.field = self._element("input", {"type": "text", "value": ""})
        rules = "".join(f".c{n}{{color:rgb({n % 255},{n * 7 % 255},0);padding:{n % 9}px}}" for n in range(_CLASSES))
        self._rows = [self._row() for _ in range(_ROWS)]
        self.body = self._element("tbody", {}, *self._rows)
        head = self._element("head", {}, self._element("style", {"_cssText": rules}))
        body = self._element("body", {}, self.field, self._element("table", {}, self.body))
        self.document = self._next()
        doctype = {"type": 1, "id": self._next(), "name": "html", "publicId": "", "systemId": ""}
        html = self._element("html", {}, head, body)
        node = {"type": 0, "id": self.document, "childNodes": [doctype, html]}
        return {"node": node, "initialOffset": {"left": 0, "top": 0}}

    def mutation(self, rows: int) -> dict[str, object]:
        """New rows at the top for the last ones, four texts and four classes changed."""
        removes = [{"parentId": self.body["id"], "id": self._rows.pop()["id"]} for _ in range(rows)]
        adds = []
        for _ in range(rows):
            row = self._row()
            adds.append({"parentId": self.body["id"], "nextId": self._rows[0]["id"], "node": row})
            self._rows.insert(0, row)
        attributes = [
            {"id": self._random.choice(self._rows)["id"], "attributes": {"class": self._class()}} for _ in range(4)
        ]
        texts = [{"id": self._a_text(), "value": self._sentence(5)} for _ in range(4)]
        return {"source": 0, "adds": adds, "removes": removes, "texts": texts, "attributes": attributes}

    def input(self) -> dict[str, object]:
        """Something typed."""
        return {"source": 5, "id": self.field["id"], "text": self._sentence(1), "isChecked": False}

    def moves(self) -> dict[str, object]:
        """The pointer's way."""
        return {
            "source": 1,
            "positions": [
                {
                    "id": self.document,
                    "timeOffset": -50 * back,
                    "x": self._random.randrange(1280),
                    "y": self._random.randrange(720),
                }
                for back in range(8, -1, -1)
            ],
        }

    def _row(self) -> dict[str, object]:
        texts = [self._text(self._sentence(4)) for _ in range(_CELLS)]
        cells = [self._element("td", {"data-x": str(n)}, text) for n, text in enumerate(texts)]
        row = self._element("tr", {"class": self._class()}, *cells)
        self._texts[row["id"]] = texts[0]["id"]
        return row

    def _a_text(self) -> object:
        return self._texts[self._random.choice(self._rows)["id"]]

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _element(self, tag: str, attributes: dict[str, str], *kids: dict[str, object]) -> dict[str, object]:
        return {"type": 2, "id": self._next(), "tagName": tag, "attributes": attributes, "childNodes": list(kids)}

    def _text(self, words: str) -> dict[str, object]:
        return {"type": 3, "id": self._next(), "textContent": words}

    def _sentence(self, words: int) -> str:
        return " ".join(self._random.choice(_WORDS) for _ in range(words)) + f" {self._random.randrange(10**6)}"

    def _class(self) -> str:
        return f"c{self._random.randrange(_CLASSES)}"


def segments(megabytes: float, seed: int = 7) -> Iterator[bytes]:
    """The view's segments, of about ``megabytes`` together."""
    table = _Table(seed)
    size = megabytes * 1e6 / SEGMENTS
    rows = max(1, round(size / _MUTATIONS / 900))
    for index in range(SEGMENTS):
        start = START_MS + index * SEGMENT_MS
        records = _opening(table, start) if index == 0 else []
        room = size
        for place in range(_MUTATIONS):
            if room <= 0:
                break
            records.append({"type": 3, "timestamp": start + 100 * place + 10, "data": table.mutation(rows)})
            room -= len(json.dumps(records[-1]))
        records += _by_hand(table, index, start)
        yield json.dumps(
            {
                "records": records,
                "start": start,
                "end": start + SEGMENT_MS - 500,
                "index_in_view": index,
                "has_full_snapshot": index == 0,
                "records_count": len(records),
                "source": "browser",
                "view": {"id": "drawn"},
            }
        ).encode()


def _opening(table: _Table, start: int) -> list[dict[str, object]]:
    meta = {"href": "https://shop.example/orders", "width": 1280, "height": 720}
    return [
        {"type": 4, "timestamp": start, "data": meta},
        {"type": 2, "format": 0, "timestamp": start, "data": table.full()},
    ]


def _by_hand(table: _Table, index: int, start: int) -> Iterator[dict[str, object]]:
    if index % 3 == 0:
        yield {"type": 3, "timestamp": start + 4_200, "data": table.moves()}
    if index % 7 == 0:
        press = {"source": 2, "type": 2, "id": table.field["id"], "x": 10, "y": 60}
        yield {"type": 3, "timestamp": start + 4_300, "data": press}
        yield {"type": 3, "timestamp": start + 4_400, "data": table.input()}
