"""The dialect of SDK 7.0 to 7.9: change records, lists of items that refer to a table of strings.

Nodes have no ids in this dialect. They are counted as they come, from 0 at a full snapshot. A missing record therefore
makes all later records unreadable, until the next full snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from replay_fetch.replay.changes import Changes
from replay_fetch.replay.page import (
    CDATA,
    DOCTYPE,
    DOCUMENT,
    ELEMENT,
    FRAGMENT,
    SHADOW_ROOT,
    TEXT,
    Node,
    Sheet,
    element_name,
)
from replay_fetch.replay.strings import Strings
from replay_fetch.replay.values import BadValue, first, many, number, whole

_PAUSED = 1


class Reader:
    """The state that change records build on: strings, style sheets, and the number of nodes so far.

    Begun anew by each full snapshot. Records refer to all three by number, so every entry counts, a bad one too.
    """

    def __init__(self) -> None:
        self.strings = Strings()
        self.sheets: list[Sheet] = []
        self.nodes = 0


Apply = Callable[[Reader, Changes, list[object]], None]


def add_strings(reader: Reader, _changes: Changes, arguments: list[object]) -> None:
    """Add strings to the table, in the order of the item; used as item 0 by both dialects of SDK 7."""
    reader.strings.add(arguments)


def each(apply: Apply) -> Apply:
    """Make an item of many arguments from the function for one; a bad argument is counted, and the others apply.

    For nodes and sheets the function must count a bad argument itself, since later ones are numbered from it.
    """

    def apply_each(reader: Reader, changes: Changes, arguments: list[object]) -> None:
        for argument in arguments:
            try:
                apply(reader, changes, many(argument))
            except BadValue as error:
                changes.note(error)

    return apply_each


def _add_node(reader: Reader, changes: Changes, entry: list[object]) -> None:
    """Add the next node. A bad node takes its number all the same, since later nodes are counted from it.

    The entry is an insertion point, a kind and content; a point of null is the document's. Raises BadValue where the
    node beside or above is unknown.
    """
    number_of_it = reader.nodes
    reader.nodes += 1
    node = _made(reader, number_of_it, entry)
    point = first(entry)
    if point is None:
        if changes.page.root is not None:
            raise BadValue("a second document")
        changes.page.plant(node)
        changes.added[node.id] = node
        return
    if type(point) is not int:
        raise BadValue("no insertion point")
    if point > 0:
        changes.put(node, changes.node(number_of_it - point), None)
        return
    # Positive: the last child of the node so many numbers back. 0: behind the node before. Negative: in front of the
    # node so many numbers back.
    beside = changes.node(number_of_it - 1 if point == 0 else number_of_it + point)
    if beside.parent is None:
        raise BadValue("a node beside the document")
    changes.put(node, beside.parent, beside.next if point == 0 else beside)


def _made(reader: Reader, number_of_it: int, entry: list[object]) -> Node:
    """Make a node from its kind and content: strings of a text or a document type, pairs of an element."""
    strings = reader.strings
    name = strings.text(entry[1] if len(entry) > 1 else None)
    rest = entry[2:]
    if name == TEXT:
        node = Node(number_of_it, TEXT)
        node.text = strings.text(rest[0]) if rest else ""
    elif name == DOCTYPE:
        node = Node(number_of_it, DOCTYPE)
        names = [strings.text(reference) for reference in rest[:3]]
        node.doctype = (names[0] if names else "html", *[*names[1:], "", ""][:2])  # type: ignore[assignment] # three
    elif name in {DOCUMENT, SHADOW_ROOT, FRAGMENT, CDATA}:
        node = Node(number_of_it, name)
    elif name.startswith("#"):
        raise BadValue("a kind of node that is not known")
    else:
        node = _element(strings, number_of_it, name, rest)
    return node


def _element(strings: Strings, number_of_it: int, name: str, attributes: list[object]) -> Node:
    """Make an element; names of SVG and MathML have their language in front: ``svg>path``.

    An attribute is a pair of strings. A pair without a value is left out. Raises BadValue for an attribute that is no
    list.
    """
    language, _, local = name.rpartition(">")
    svg = language == "svg"
    node = Node(number_of_it, ELEMENT, element_name(local, svg=svg))
    node.svg = svg
    for pair in attributes:
        if not isinstance(pair, list):
            raise BadValue("an attribute that is no list")
        if len(pair) > 1:
            node.attributes[strings.text(pair[0])] = strings.text(pair[1])
    return node


def _remove(_reader: Reader, changes: Changes, arguments: list[object]) -> None:
    for argument in arguments:
        try:
            changes.take_known(whole(argument))
        except BadValue as error:
            changes.note(error)


def _set(reader: Reader, changes: Changes, entry: list[object]) -> None:
    node = changes.node(whole(first(entry)))
    for pair in entry[1:]:
        written = many(pair)
        value = written[1] if len(written) > 1 else None
        changes.set(node, reader.strings.text(first(written)), None if value is None else reader.strings.text(value))


def _write(reader: Reader, changes: Changes, entry: list[object]) -> None:
    changes.write(changes.node(whole(first(entry))), reader.strings.text(entry[1] if len(entry) > 1 else None))


def _resize(_reader: Reader, changes: Changes, entry: list[object]) -> None:
    node, width, height = _three(entry)
    changes.resize(changes.node(whole(node)), (f"{number(width)}px", f"{number(height)}px"))


def _scroll(_reader: Reader, changes: Changes, entry: list[object]) -> None:
    node, x, y = _three(entry)
    changes.scroll(changes.node(whole(node)), number(x), number(y))


def _add_sheet(reader: Reader, _changes: Changes, entry: list[object]) -> None:
    """Add a style sheet to the table; a bad sheet keeps its number, since later sheets are counted from it.

    An argument is rules (one text, or a list of texts), then media, then true for a disabled sheet.
    """
    sheet = Sheet("")
    try:
        sheet = _sheet(reader.strings, entry)
    finally:
        reader.sheets.append(sheet)


def _sheet(strings: Strings, entry: list[object]) -> Sheet:
    written = first(entry)
    rules = tuple(map(strings.text, written)) if isinstance(written, list) else strings.text(written)
    media = tuple(strings.text(medium) for medium in many(entry[1] if len(entry) > 1 else None))
    return Sheet(rules, media, disabled=bool(entry[2]) if len(entry) > 2 else False)  # noqa: PLR2004 - its third


def _attach_sheets(reader: Reader, changes: Changes, entry: list[object]) -> None:
    node = changes.node(whole(first(entry)))
    indexes = [whole(index) for index in entry[1:]]
    if any(index >= len(reader.sheets) for index in indexes):
        raise BadValue("an unknown style sheet")
    changes.adopt(node, tuple(reader.sheets[index] for index in indexes))


def _play(_reader: Reader, changes: Changes, entry: list[object]) -> None:
    node, state, *_ = [*entry, None, None]
    changes.play(changes.node(whole(node)), paused=whole(state) == _PAUSED)


def _three(entry: list[object]) -> tuple[object, object, object]:
    if len(entry) < 3:  # noqa: PLR2004 - as its name says
        raise BadValue("a change that is too short")
    return entry[0], entry[1], entry[2]


ITEMS: dict[int, Apply] = {
    0: add_strings,
    1: each(_add_node),
    2: _remove,
    3: each(_set),
    4: each(_write),
    5: each(_resize),
    6: each(_scroll),
    7: each(_add_sheet),
    8: each(_attach_sheets),
    9: each(_play),
    10: lambda *_: None,  # the visual viewport, which type 8 tells as well
}
# Items for scrolling, sheets, media and values apply last: such an item may stand in front of the item that brings
# its node.
_LATE = frozenset({6, 8, 9, 12, 13, 15})


def apply_items(reader: Reader, changes: Changes, items: object, known: Mapping[int, Apply]) -> None:
    """Apply the items of a record; items of an unknown kind, and bad items, are counted and cost nothing else.

    An item is a list that begins with its kind. ``known`` says what each kind does, for a dialect.
    """
    late: list[tuple[Apply, list[object]]] = []
    for item in many(items):
        if not isinstance(item, list) or not item or type(item[0]) is not int:
            changes.note("a change that is no list")
            continue
        apply = known.get(item[0])
        if apply is None:
            changes.note("a kind of change that is not known")
        elif item[0] in _LATE:
            late.append((apply, item[1:]))
        else:
            _applied(apply, reader, changes, item[1:])
    for apply, arguments in late:
        _applied(apply, reader, changes, arguments)


def _applied(apply: Apply, reader: Reader, changes: Changes, arguments: list[object]) -> None:
    try:
        apply(reader, changes, arguments)
    except BadValue as error:
        changes.note(error)
