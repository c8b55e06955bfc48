"""Strings that people typed or read, planted in recordings, and every form in which a copy could still hold them."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

Json = dict[str, Any]  # Any: JSON
CORE = "Zq7Jäne"
PLANTED = f'{CORE} <b>&"Doe\'s" \\ 山田\u2028 4111 1111'
READ_ATTRIBUTES = (
    "title",
    "alt",
    "placeholder",
    "aria-label",
    "value",
    "content",
    "data-user",
    "srcdoc",
    "onclick",
    "x",
)


def forms(words: str) -> set[str]:
    """A string as JSON, URLs, HTML and style sheets may write it; in lower case."""
    plain = {words, words.encode("utf-8").decode("latin-1"), words.encode("ascii", "ignore").decode()}
    plain |= {html.escape(words), words.encode("ascii", "xmlcharrefreplace").decode()}
    plain |= {
        quote(words),
        quote(words, safe=""),
        quote_plus(words),
        quote(words, encoding="latin-1", errors="replace"),
    }
    plain |= {"".join(f"\\{ord(char):x} " if not char.isascii() else char for char in words)}
    written = plain | {json.dumps(each)[1:-1] for each in plain} | {words[:4], words[::-1]}
    return {each.lower() for each in written}


def found_in(copy: bytes, words: str = CORE) -> set[str]:
    """The forms of a string that a copy holds, read as it is and as JSON."""
    text = copy.decode("utf-8", "replace").lower()
    read = " ".join(strings_of([json.loads(line) for line in copy.splitlines() if line])).lower()
    return {form for form in forms(words) if form in text or form in read}


def strings_of(value: object) -> Iterator[str]:
    """All strings of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_of(inner)


def plant(segment: bytes) -> tuple[bytes, int]:
    """Plant in every place of a recorded segment that holds what people typed or read; says in how many."""
    content = json.loads(segment)
    planting = _Planting()
    for record in content["records"]:
        planting.record(record)
    content["title"] = PLANTED
    content["records"].append({"type": 77, "timestamp": content["start"], "data": {"custom": PLANTED}})
    return json.dumps(content).encode(), planting.places + 2


class _Planting:
    def __init__(self) -> None:
        self.places = 0

    def words(self, before: str = "") -> str:
        self.places += 1
        return f"{before}{PLANTED}"

    def record(self, record: Json) -> None:
        record["context"] = {"user": self.words()}
        data: Any = record.get("data")
        if record["type"] == 12 or record.get("format") == 1:
            self._items(data)
        elif record["type"] == 2:
            self._node(data["node"])
        elif isinstance(data, dict):
            data["custom"] = self.words()
            self._table(data)

    def _table(self, data: Json) -> None:
        if "href" in data:
            data["href"] += f"?q={self.words()}#{PLANTED}"
        if "text" in data:
            data["text"] = self.words(data["text"])
        for entry in data.get("texts") or []:
            entry["value"] = self.words(entry["value"] or "")
        for entry in data.get("adds") or []:
            if "node" in entry:
                self._node(entry["node"])
            elif "rule" in entry:
                entry["rule"] = f"a::before{{content:{json.dumps(self.words())}}}" + entry["rule"]
        for entry in data.get("attributes") or []:
            self._attributes(entry["attributes"])

    def _node(self, node: Json) -> None:
        if node.get("textContent", "").strip() and "{" not in node["textContent"]:
            node["textContent"] = self.words(node["textContent"])
        if node["type"] == 2:
            self._attributes(node["attributes"])
        for child in node.get("childNodes", []):
            self._node(child)

    def _attributes(self, attributes: Json) -> None:
        for name in READ_ATTRIBUTES:
            attributes[name] = self.words(str(attributes.get(name) or ""))
        attributes["href"] = f"/a/{self.words()}?q={PLANTED}"
        attributes["style"] = f"--said:{json.dumps(self.words())};content:{json.dumps(PLANTED)};" + str(
            attributes.get("style") or ""
        )
        if "_cssText" in attributes:
            attributes["_cssText"] += f"/* {self.words()} */p::after{{content:{json.dumps(PLANTED)}}}"

    def _items(self, items: list[list[Any]]) -> None:
        """In strings that are read by their role, and where a node or a change has one of its own."""
        for item in items:
            if item[0] == 11:
                for group in item[1:]:
                    self._group(group)
            if item[0] == 1:
                for entry in item[1:]:
                    if entry[1] not in ("#text", 3) and isinstance(entry[1], str) and not entry[1].startswith("#"):
                        entry += [[name, self.words()] for name in READ_ATTRIBUTES]
            if item[0] in (4, 12):
                for entry in item[1:]:
                    entry[1] = self.words() if isinstance(entry[1], str) else entry[1]
        items.append([3, [3, ["title", self.words()], ["data-user", PLANTED], ["style", f"content:'{CORE}'"]]])

    def _group(self, group: list[Any]) -> None:
        change: dict[int, Callable[[str], str]] = {
            4: self.words,
            5: self.words,
            6: lambda sheet: f"{sheet}a::after{{content:{json.dumps(self.words())}}}",
            7: lambda href: f"{href}?q={self.words()}",
        }
        if group[0] in change:
            group[1:] = [change[group[0]](string) if string.strip() else string for string in group[1:]]
