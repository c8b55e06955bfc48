"""A segment's facts, such as index, start and end, and the continuity of all segments of a view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import astuple

from replay_fetch.api import json_split

SEGMENT_KEYS = frozenset(
    {"records", "records_count", "start", "end", "creation_reason", "index_in_view", "has_full_snapshot"}
)
"""Keys of a segment, as the recorders write them: an object that has several of these is one."""
# Gaps and repeats that are named; a view of a long-lived tab may miss thousands, and each would stand in a manifest.
_NAMED = 100
# SQLite's largest integer; numbers of a segment end in the ledger.
_MOST = 2**63 - 1

_Whole = Annotated[int, Meta(ge=0, lt=_MOST)]


class SegmentFacts(
    Struct,
    frozen=True,
    gc=False,
    rename={"index": "index_in_view", "start_ms": "start", "end_ms": "end", "records": "records_count"},
):
    """The facts that a segment gives about itself; None for a fact that is missing or in no usable form.

    ``start_ms`` and ``end_ms`` are milliseconds since 1970, of the recording machine's clock.
    """

    index: _Whole | None = None
    has_full_snapshot: bool | None = None
    start_ms: _Whole | None = None
    end_ms: _Whole | None = None
    records: _Whole | None = None


_facts = msgspec.json.Decoder(SegmentFacts)
_facts_of_all = json_split.Quick(_facts.decode)
_ARRAY = b'{"":['


def facts(raw: bytes) -> SegmentFacts:
    """Read the facts out of a segment's JSON text; never raises, as a segment may be opaque."""
    try:
        [found] = _behind_the_records([raw])
        if None not in astuple(found):  # else some of it may stand in front
            return found
    except json_split.REFUSED:
        pass
    try:
        return _facts_of_all(raw)
    except json_split.REFUSED:  # also where a value is of no such type: the others still count
        return _one_by_one(raw)


def _behind_the_records(raws: Iterable[bytes]) -> list[SegmentFacts]:
    """Read the facts behind the last array of each segment, where the SDKs write all of them.

    So the records need not be gone through once more. The text from the last ``]`` on is read behind ``{"":[``, and
    the two make an object only where the bracket closes a member of the segment itself:

    1. it does: ``{"records":[…],"start":5}`` is read as ``{"":[],"start":5}``
    2. it closes something deeper: ``{"a":{"b":[1],"start":5}}`` as ``{"":[],"start":5}}``, a brace too many
    3. it is text: ``{"a":"x]","start":5}`` as ``{"":[]","start":5}``, a quote too many; an escaped quote
       in that text does not make up for it, as its backslash then stands outside of a string
    4. there is none: ``{"start":5}`` as ``{"":[}``

    Each segment has a line of its own, and no string goes past a line's end, so no segment makes up for the lack of
    another. Raises an exception of REFUSED in every case but the first.
    """
    ends = [raw[raw.rfind(b"]") :] for raw in raws]
    return _facts.decode_lines(_ARRAY + (b"\n" + _ARRAY).join(ends))


def _one_by_one(raw: bytes) -> SegmentFacts:
    try:
        members = json_split.members(raw)
    except ValueError:
        return SegmentFacts()
    index, start, end, records = (
        _whole(members.get(key, b"")) for key in ("index_in_view", "start", "end", "records_count")
    )
    flag = {b"true": True, b"false": False}.get(members.get("has_full_snapshot", b""))
    return SegmentFacts(index, flag, start, end, records)


def _whole(text: bytes) -> int | None:
    """The number in ``text``, rounded down, where the number fits 64 bits and is not negative; else None."""
    if text.isdigit() and len(text) < len(str(_MOST)):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if 0 <= number < _MOST else None


class Continuity:
    """Gathers the facts of a view's segments, in archive order, and tells gaps, repeats and a missing snapshot."""

    def __init__(self) -> None:
        self.repeats: list[int] = []
        """Indexes that came again, the first hundred."""
        self.start_ms: int | None = None
        """Earliest start, milliseconds since 1970."""
        self.end_ms: int | None = None
        """Latest end, milliseconds since 1970."""
        self._records = 0
        self._seen: set[int] = set()
        self._opening: SegmentFacts | None = None

    def add(self, segment: SegmentFacts) -> None:
        """Take in the facts of the next segment."""
        # The opening segment is number 0, wherever it comes; until it does, the first one stands for it.
        if self._opening is None or (segment.index == 0 and 0 not in self._seen):
            self._opening = segment
        if segment.index is not None:
            if segment.index in self._seen and len(self.repeats) < _NAMED:
                self.repeats.append(segment.index)
            self._seen.add(segment.index)
        if segment.start_ms is not None and (self.start_ms is None or segment.start_ms < self.start_ms):
            self.start_ms = segment.start_ms
        if segment.end_ms is not None and (self.end_ms is None or segment.end_ms > self.end_ms):
            self.end_ms = segment.end_ms
        self._records += segment.records or 0

    def add_all(self, raws: Sequence[bytes]) -> None:
        """Take in the facts of the next segments, given as JSON texts."""
        if not self._add_as_one(raws):
            for raw in raws:
                self.add(facts(raw))

    def _add_as_one(self, raws: Sequence[bytes]) -> bool:
        """Take in a whole page of segments in one step; False where a fact is missing or an index comes again."""
        try:
            columns = list(zip(*map(astuple, _behind_the_records(raws)), strict=True))
        except json_split.REFUSED:
            return False
        if any(None in column for column in columns):
            return False
        indexes, snapshots, starts, ends, records = columns
        new = set(indexes)
        # With a repeat the order matters, so each segment is then added by itself.
        if len(new) < len(raws) or not new.isdisjoint(self._seen):
            return False
        opening = indexes.index(0) if 0 in new else 0
        self.add(SegmentFacts(indexes[opening], snapshots[opening], min(starts), max(ends), sum(records)))
        self._seen |= new
        return True

    @property
    def records(self) -> int:
        """The number of records, over all segments that count theirs; at most the largest integer of a database."""
        return min(self._records, _MOST)

    @property
    def gaps(self) -> list[int]:
        """Indexes between 0 and the largest index that never came, the first hundred."""
        if max(self._seen, default=-1) < len(self._seen):  # as many as there is room for
            return []
        return list(islice(self._missing(), _NAMED))

    @property
    def lacks_full_snapshot(self) -> bool:
        """True where a player has no start: segment 0 never came, or came without a full snapshot.

        Where segments carry no index, the first segment counts. Where segments say nothing about snapshots, nothing
        is lacking.
        """
        if self._opening is None:
            return False
        return self._opening.has_full_snapshot is False or bool(self._seen and 0 not in self._seen)

    def _missing(self) -> Iterator[int]:
        # From one index to the next, never over the whole range: an index may be any number.
        for before, after in pairwise((-1, *sorted(self._seen))):
            yield from range(before + 1, after)
