"""Records that no SDK wrote: any JSON under a type, and recorded ones with a value changed, lost or doubled."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(
    ["id", "node", "type", "attributes", "childNodes", "tagName", "textContent", "adds", "removes", "source", "x", "y",
     "parentId", "nextId", "wireframes", "wireframe", "positions", "text", "updates", "width", "height", "previousId"]
)  # fmt: skip
# Records of every type over any JSON.
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 5) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
JSON_RECORDS = st.builds(
    lambda kind, data, form: {"type": kind, "timestamp": 1_700_000_000_000, "data": data, "format": form},
    st.integers(0, 13),
    JSON_VALUES,
    st.sampled_from([0, 1, None]),
)
JUNK: list[object] = [None, True, -1, 0, 3, 10**30, 1.5, float("inf"), "", "x", "\ud83d", [], [[]], {}, {"id": 0}]


def junked(record: object, chance: random.Random) -> object:
    """A record with one of its values, at any depth, replaced, left out or doubled."""
    changed: Any = copy.deepcopy(record)  # Any: JSON
    inside = [each for each in containers(changed) if each]
    if not inside:
        return chance.choice(JUNK)
    where = chance.choice(inside)
    key = chance.choice(list(where) if isinstance(where, dict) else range(len(where)))
    deed = chance.randrange(4)
    if deed == 0:
        where[key] = copy.deepcopy(chance.choice(JUNK))
    elif deed == 1:
        del where[key]
    elif deed == 2 and isinstance(where, list):
        where.append(copy.deepcopy(where[key]))
    elif type(where[key]) is int:
        where[key] += chance.choice((-2, -1, 1, 2, 50))
    else:
        where[key] = [where[key]]
    return changed


def junked_some(records: list[object], chance: random.Random) -> list[object]:
    """The records of a segment, of which one to five are `junked`; those may be the same one again."""
    changed = list(records)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(changed))
        changed[place] = junked(changed[place], chance)
    return changed


def containers(value: Any) -> Iterator[Any]:  # Any: JSON
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, dict | list):
            yield each
            stack += each.values() if isinstance(each, dict) else each
