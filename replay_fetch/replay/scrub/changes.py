"""Change records, the dialect of SDK 7: written with strings in place, each by the role of the place.

The table of strings is left out of the copy. Before SDK 7.10 a string has no role there, and the same string may be a
class name in a node and a text in another. The place of use decides. Where the SDK does give a role, a text or a
form's value is masked in every place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from replay_fetch.replay.page import CDATA, DOCTYPE, DOCUMENT, FRAGMENT, SHADOW_ROOT, TEXT, Page
from replay_fetch.replay.scrub.attributes import attribute
from replay_fetch.replay.scrub.css import css
from replay_fetch.replay.scrub.shapes import rows
from replay_fetch.replay.scrub.tree import Texts, doctype
from replay_fetch.replay.scrub.words import masked, tag
from replay_fetch.replay.strings import Strings
from replay_fetch.replay.values import BadValue, first, many, number, whole

# Of the roles that SDK 7.10 and later give: what stood on the page, and what fields held.
_PRIVATE = (4, 5)
_STRINGS, _ROLE_STRINGS, _CLEAR = 0, 11, 14
_NODES, _REMOVALS, _SHEETS, _VIEWPORT, _CANVAS = 1, 2, 7, 10, 15
# Played behind all others of a record, so their strings are looked up behind all others.
_LATE = frozenset({6, 8, 9, 12, 13})
_BARE = frozenset({DOCUMENT, SHADOW_ROOT, FRAGMENT, CDATA})
# No kind of node begins so in any dialect; players count the node and make none.
_UNKNOWN = "#unknown"
"""The kind of a node that no player can make: it takes a number all the same, so later nodes keep theirs."""


class UnknownChange(BadValue):
    """A kind of change without a rule: strings or nodes in it would shift all numbers behind the record."""


class ChangeItems:
    """Scrubs the items of change records from one full snapshot to the next, and counts nodes as a player does.

    References to the table become the strings themselves, so the copy needs no table and a reader no counting.
    """

    def __init__(self, texts: Texts, dropped: Callable[[str], None]) -> None:
        self._texts = texts
        self._dropped = dropped
        self._strings = Strings()
        self._is_private = bytearray()
        """A flag for each string of the table, in order: 1 for the role of a text or of a field's value."""
        self._nodes = 0
        self._page = Page()
        self._rules: dict[int, Callable[[list[object]], list[object]]] = {
            3: self._set,
            4: self._write,
            5: _figures,
            6: _figures,
            8: lambda entry: [whole(each) for each in entry],
            9: lambda entry: [whole(each) for each in entry[:2]],
            12: self._fill,
            13: lambda entry: [whole(each) for each in entry],
        }

    def written(self, page: Page, items: object) -> list[object]:
        """Scrub a record's items, given the page as the player has left it behind the same record.

        Items that a player applies late come last. An entry of a bad form is left out and counted. Raises
        UnknownChange at an item without a rule; the caller must then stop until the next full snapshot.
        """
        self._page = page
        now: list[object] = []
        late: list[list[object]] = []
        for item in many(items):
            if not isinstance(item, list) or not item or type(item[0]) is not int:
                self._dropped("a change that is no list")
            elif item[0] in _LATE:
                late.append(item)
            else:
                now += self._item(item[0], item[1:])
        # A late item may name a string that another item of the same record brings.
        for item in late:
            now += self._item(whole(item[0]), item[1:])
        return now

    def _item(self, kind: int, arguments: list[object]) -> Iterator[list[object]]:
        if kind == _NODES:
            yield [kind, *map(self._node, filter(_is_counted, arguments))]
        elif kind == _SHEETS:
            yield [kind, *map(self._sheet, filter(_is_counted, arguments))]
        elif kind == _REMOVALS:
            yield [kind, *_wholes(arguments)]
        elif kind in self._rules:
            yield [kind, *self._each(self._rules[kind], arguments)]
        else:
            self._take(kind, arguments)

    def _take(self, kind: int, arguments: list[object]) -> None:
        """Take strings into the table, or forget them; pictures of canvases are counted and left out.

        Raises UnknownChange for an item of any other kind.
        """
        if kind == _STRINGS:
            self._add(arguments, private=False)
        elif kind == _ROLE_STRINGS:
            for group in arguments:
                if not isinstance(group, list):
                    raise UnknownChange("strings that are no list")
                self._add(group[1:], private=group[:1] in ([role] for role in _PRIVATE))
        elif kind == _CLEAR:
            self._strings.clear()
            self._is_private.clear()
        elif kind == _CANVAS:
            self._dropped("a canvas picture")
        elif kind != _VIEWPORT:  # the window's own record tells that as well
            raise UnknownChange("a kind of change that is not known")

    def _add(self, strings: list[object], *, private: bool) -> None:
        self._strings.add(strings)
        self._is_private += bytes([private]) * len(strings)

    def _word(self, reference: object) -> str:
        """Look up a string in the place of a name, a structural value or a sheet; mask a text by its SDK role.

        Raises BadValue for a reference that the table does not have.
        """
        said = self._strings.text(reference)
        inside, role = reference, None
        if isinstance(reference, dict):
            inside, role = reference.get("string"), reference.get("role")
        private = role in _PRIVATE or (
            type(inside) is int and inside < len(self._is_private) and self._is_private[inside]
        )
        return masked(said) if private else said

    def _each(self, rule: Callable[[list[object]], list[object]], arguments: list[object]) -> Iterator[object]:
        for argument in arguments:
            try:
                yield rule(_filled(argument))
            except BadValue as error:
                self._dropped(str(error))

    def _node(self, argument: object) -> list[object]:
        """Scrub a new node; a bad node becomes an unknown kind, for players count it among the others."""
        number_of_it = self._nodes
        self._nodes += 1
        try:
            entry = _filled(argument)
            return [_point(entry[0]), *self._made(number_of_it, entry[1:])]
        except BadValue as error:
            self._dropped(str(error))
            return [0, _UNKNOWN]

    def _made(self, number_of_it: int, entry: list[object]) -> Iterator[object]:
        name, rest = self._word(first(entry)), entry[1:]
        if name == TEXT:
            yield name
            yield self._texts.written(self._page, number_of_it, self._strings.text(rest[0]) if rest else "")
        elif name == DOCTYPE:
            yield name
            yield from doctype(*[*map(self._word, rest[:3]), "", "", ""][:3])
        elif name.startswith("#"):
            yield name if name in _BARE else _UNKNOWN
        else:
            yield tag(name)
            for pair in rest:
                if not isinstance(pair, list):
                    raise BadValue("an attribute that is no list")
                if len(pair) > 1:
                    yield from self._pair(pair)

    def _pair(self, pair: list[object]) -> Iterator[list[object]]:
        """Scrub an attribute to a pair, to a name alone where the attribute is taken away, or to nothing."""
        name = self._word(first(pair))
        if len(pair) > 1 and pair[1] is not None:
            # A value with the role of a text is masked before its rule sees it, whatever the attribute is called:
            # a site's own attribute may hold a title, and a wrong number may lead to one.
            value = attribute(name, self._word(pair[1]))
            if value is not None:
                yield [name, value]
        elif attribute(name, "") is not None:
            yield [name]

    def _set(self, entry: list[object]) -> list[object]:
        return [whole(entry[0]), *(kept for pair in entry[1:] for kept in self._pair(many(pair)))]

    def _write(self, entry: list[object]) -> list[object]:
        node = whole(entry[0])
        return [node, self._texts.written(self._page, node, self._strings.text(_second(entry)))]

    def _fill(self, entry: list[object]) -> list[object]:
        return [whole(entry[0]), masked(self._strings.text(_second(entry)))]

    def _sheet(self, argument: object) -> list[object]:
        """Scrub a style sheet; a bad sheet becomes an empty one, for later items name sheets by number."""
        try:
            entry = _filled(argument)
            written = entry[0]
            rules: object = (
                [css(self._word(rule)) for rule in written] if isinstance(written, list) else css(self._word(written))
            )
            media = [css(self._word(medium)) for medium in many(_second(entry))]
            return [rules, media, any(entry[2:3])]
        except BadValue as error:
            self._dropped(str(error))
            return [""]


_wholes = rows(whole)


def _is_counted(argument: object) -> bool:
    """True where a player counts an entry, good or bad, among its nodes or sheets."""
    return argument is None or isinstance(argument, list)


def _filled(argument: object) -> list[object]:
    """Check that an argument is a list with an entry or more; raises BadValue otherwise."""
    entry = many(argument)
    first(entry)
    return entry


def _point(value: object) -> int | None:
    """Check a node's insertion point, a distance in nodes, or None for the document; raises BadValue otherwise."""
    if value is None or type(value) is int:
        return value
    raise BadValue("no insertion point")


def _second(entry: list[object]) -> object:
    return entry[1] if len(entry) > 1 else None


def _figures(entry: list[object]) -> list[object]:
    return [whole(entry[0]), *map(number, entry[1:3])]
