"""What a segment says of itself, and whether the segments of a view make a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from replay_fetch.api import split

_NAMED = 100
_MOST = 2**63


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """A segment's own account; None for what it does not say, or says in no usable form.

    ``start_ms`` and ``end_ms`` are milliseconds since 1970, of the recording machine's clock.
    """

    index: int | None = None
    has_full_snapshot: bool | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    records: int | None = None


class _Metadata(Struct, gc=False):
    index_in_view: Raw | UnsetType = UNSET
    has_full_snapshot: Raw | UnsetType = UNSET
    start: Raw | UnsetType = UNSET
    end: Raw | UnsetType = UNSET
    records_count: Raw | UnsetType = UNSET


_KEYS = _Metadata.__struct_fields__
_metadata = msgspec.json.Decoder(_Metadata)


def facts(raw: bytes) -> SegmentFacts:
    """The facts in one segment's JSON text; never raises."""
    try:
        found, _ = split.quick(_metadata.decode, raw)
        texts = [bytes(text) if (text := getattr(found, key)) is not UNSET else b"" for key in _KEYS]
    except split.REFUSED:
        try:
            members = split.members(raw)
        except ValueError:
            return SegmentFacts()
        texts = [members.get(key, b"") for key in _KEYS]
    index, snapshot, start, end, records = texts
    flag = {b"true": True, b"false": False}.get(snapshot)
    return SegmentFacts(_whole(index), flag, _whole(start), _whole(end), _whole(records))


def _whole(text: bytes) -> int | None:
    """The number, rounded down, where it is one that fits 64 bits and is not negative."""
    if text.isdigit() and len(text) < len(str(_MOST)):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if 0 <= number < _MOST else None


class Continuity:
    """Gathers the facts of one view's segments, in the order in which they are archived."""

    def __init__(self) -> None:
        self.repeats: list[int] = []
        """Indexes that came again, the first hundred."""
        self.start_ms: int | None = None
        """Earliest start, milliseconds since 1970."""
        self.end_ms: int | None = None
        """Latest end, milliseconds since 1970."""
        self.records = 0
        """Records in all segments that count theirs."""
        self._seen: set[int] = set()
        self._opening: SegmentFacts | None = None

    def add(self, segment: SegmentFacts) -> None:
        """Take in the facts of the next segment."""
        if self._opening is None or (segment.index == 0 and 0 not in self._seen):
            self._opening = segment
        if segment.index is not None:
            if segment.index in self._seen and len(self.repeats) < _NAMED:
                self.repeats.append(segment.index)
            self._seen.add(segment.index)
        if segment.start_ms is not None:
            self.start_ms = min(segment.start_ms, segment.start_ms if self.start_ms is None else self.start_ms)
        if segment.end_ms is not None:
            self.end_ms = max(segment.end_ms, self.end_ms or 0)
        self.records += segment.records or 0

    @property
    def gaps(self) -> list[int]:
        """Indexes between 0 and the largest one seen that never came, the first hundred."""
        return list(islice(self._missing(), _NAMED))

    @property
    def lacks_full_snapshot(self) -> bool:
        """True where a player has nothing to begin with: no segment 0, or one without a full snapshot.

        Where segments carry no index the first one counts; where nothing is said, nothing is lacking.
        """
        if self._opening is None:
            return False
        return self._opening.has_full_snapshot is False or bool(self._seen and 0 not in self._seen)

    def _missing(self) -> Iterator[int]:
        # From one index to the next, never over the whole range: an index may be any number.
        for before, after in pairwise((-1, *sorted(self._seen))):
            yield from range(before + 1, after)
