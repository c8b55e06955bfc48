"""The query language of the events search, as far as lists of views need it.

``@type:view -@view.url:*help* @view.error.count:>0 (@application.id:"…" OR @session.id:(a OR b))``: terms side by
side must all hold. A backslash takes its meaning from the character behind, in quotes and outside.
An attribute that the event does not have matches nothing.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

from replay_fetch.simulator.replies import RefusalError

Event = Mapping[str, object]
Matches = Callable[[Event], bool]

_TOKEN = re.compile(r'\s*(?:([()])|(-)?@?([A-Za-z_][\w.]*):|"((?:[^"\\]|\\.)*)"|((?:[^\s()":\\]|\\.)+))', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)|([*?])", re.DOTALL)
_COMPARED = re.compile(r"([<>]=?)(-?\d+(?:\.\d+)?)")
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_QUOTED_ID = re.compile(r'"([\w-]+)"')
_NARROWED = re.compile(
    rf"(?P<before>.*) @session\.id:\((?P<ids>{_QUOTED_ID.pattern}(?: OR {_QUOTED_ID.pattern})*)\)", re.DOTALL
)
_LONGEST = 100_000  # characters: bounds the work of one query
_DEEPEST = 20  # parentheses; compiled queries are nested calls, which Python bounds


def compiled(query: str) -> Matches:
    """Compile a query into a test of events; raises RefusalError (400) for a text that is no query."""
    return _Parser(query).parsed()


def sessions_named(query: str) -> list[str] | None:
    """Read the sessions to which a query is narrowed by its last term; None where it may find others as well.

    A hundred sessions among millions of events are found by their ids, not by a look at every event.
    """
    narrowed = _NARROWED.fullmatch(query)
    if narrowed is None or " OR " in narrowed["before"]:
        return None
    return _QUOTED_ID.findall(narrowed["ids"])


class _Parser:
    """A parser that reads a query from the left; ``OR`` binds less than terms side by side."""

    def __init__(self, query: str) -> None:
        self._words: list[tuple[str, ...]] = []
        at = 0
        text = query.rstrip()
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None or len(text) > _LONGEST:
                raise RefusalError(400, "Invalid query")
            self._words.append(tuple(part or "" for part in token.groups()))
            at = token.end()
        self._words.reverse()
        self._depth = 0

    def parsed(self) -> Matches:
        matches = self._either(self._term) if self._words else _everything
        if self._words:
            raise RefusalError(400, "Invalid query: unbalanced parentheses")
        return matches

    def _either(self, term: Callable[[], Matches]) -> Matches:
        options = [self._all(term)]
        while self._bare() == "OR":
            self._words.pop()
            options.append(self._all(term))
        return lambda event: any(option(event) for option in options)

    def _all(self, term: Callable[[], Matches]) -> Matches:
        parts = []
        while self._words and self._words[-1][0] != ")" and self._bare() != "OR":
            if self._bare() == "AND":
                self._words.pop()
                continue
            parts.append(term())
        if not parts:
            raise RefusalError(400, "Invalid query: something is missing")
        return lambda event: all(part(event) for part in parts)

    def _term(self) -> Matches:
        paren, minus, path, *_ = self._words[-1]
        if self._bare() == "NOT":
            self._words.pop()
            return _not(self._term())
        if paren:
            return self._group(self._term)
        if path:
            self._words.pop()
            matches = self._value(path.split("."))
            return _not(matches) if minus else matches
        if self._bare() == "*":
            self._words.pop()
            return _everything
        raise RefusalError(400, "Invalid query: words alone are not searched")

    def _value(self, path: list[str]) -> Matches:
        if not self._words:
            raise RefusalError(400, "Invalid query: a value is missing")
        paren, _, name, quoted, bare = self._words[-1]
        if paren == "(":
            return self._group(lambda: self._value(path))
        if paren or name:
            raise RefusalError(400, "Invalid query: a value is missing")
        self._words.pop()
        if compared := _COMPARED.fullmatch(bare):
            holds, number = _COMPARISONS[compared[1]], float(compared[2])
            return lambda event: (value := _number(event, path)) is not None and holds(value, number)
        if bare:
            matches = _wildcards(bare).fullmatch
            return lambda event: matches(_found(event, path)) is not None
        text = _ESCAPED.sub(lambda found: found[1] or found[0], quoted)
        return lambda event: _found(event, path) == text

    def _group(self, term: Callable[[], Matches]) -> Matches:
        self._words.pop()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RefusalError(400, "Invalid query: too deep")
        matches = self._either(term)
        if not self._words:
            raise RefusalError(400, "Invalid query: unbalanced parentheses")
        self._words.pop()
        self._depth -= 1
        return matches

    def _bare(self) -> str:
        return self._words[-1][4] if self._words else ""


def _everything(_: Event) -> bool:
    return True


def _not(matches: Matches) -> Matches:
    return lambda event: not matches(event)


def _wildcards(bare: str) -> re.Pattern[str]:
    """Compile a value in which ``*`` stands for any characters and ``?`` for one, unless behind a backslash."""
    parts, at = [], 0
    for found in _ESCAPED.finditer(bare):
        wild = {"*": ".*", "?": "."}.get(found[2] or "", re.escape(found[1] or ""))
        parts += [re.escape(bare[at : found.start()]), wild]
        at = found.end()
    return re.compile("".join([*parts, re.escape(bare[at:])]), re.DOTALL)


def _number(event: Event, path: list[str]) -> float | None:
    try:
        return float(_found(event, path))
    except ValueError:
        return None


def _found(event: Event, path: list[str]) -> str:
    value: object = event
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
