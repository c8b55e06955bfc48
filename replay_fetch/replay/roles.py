"""The dialect of SDK 7.10 and later: as 7.0, with strings that have a role, and with form values among the changes.

Before 7.10 form values come as increments of source 5. A role says where a string was met, for example in a text or in
a form's value; a player needs none, a scrubbed copy masks by it.
"""

from __future__ import annotations

from collections.abc import Mapping

from replay_fetch.replay.change import ITEMS, Apply, Reader, each
from replay_fetch.replay.changes import Changes
from replay_fetch.replay.values import BadValue, first, whole

_CHOSEN = 0


def _add_role_strings(reader: Reader, changes: Changes, arguments: list[object]) -> None:
    """Add groups of strings to the table; the first entry of a group is the role of its strings, and has no number."""
    for group in arguments:
        if isinstance(group, list):
            reader.strings.add(group[1:])
        else:
            changes.note("strings that are no list")


def _clear_strings(reader: Reader, _changes: Changes, _arguments: list[object]) -> None:
    reader.strings.clear()


def _fill(reader: Reader, changes: Changes, entry: list[object]) -> None:
    node = changes.node(whole(first(entry)))
    changes.fill(node, reader.strings.text(entry[1] if len(entry) > 1 else None))


def _tick(_reader: Reader, changes: Changes, entry: list[object]) -> None:
    """Tick or clear boxes, select or clear options; a bad reference is counted, and the references behind it apply.

    The first entry is the state, 0 for ticked or selected; all other entries are ids of nodes.
    """
    state = whole(first(entry))
    for reference in entry[1:]:
        try:
            changes.tick(changes.node(whole(reference)), state == _CHOSEN)
        except BadValue as error:
            changes.note(error)


def _draw(_reader: Reader, changes: Changes, _arguments: list[object]) -> None:
    changes.note("a canvas picture, which lies apart from the segment")


ROLE_ITEMS: Mapping[int, Apply] = ITEMS | {
    11: _add_role_strings,
    12: each(_fill),
    13: each(_tick),
    14: _clear_strings,
    15: _draw,
}
"""The items of SDK 7, both dialects: no number means two things, so that one table reads both."""
