"""The truth: the views that exist, and the segments of each view in each store.

Ids of made sessions are computed, never stored. An id holds its number, enciphered: a million sessions cost no
memory, and an id alone leads back to its recording.
"""

from __future__ import annotations

import csv
import itertools
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TextIO, TypeVar, overload
from uuid import UUID

from replay_fetch.model import Source, View
from replay_fetch.simulator.chance import draw
from replay_fetch.simulator.recordings import RecordedView, load_harder_recordings, load_recordings
from replay_fetch.simulator.settings import SimulatorSettings

Item = TypeVar("Item")

# Bytes of a UUID, 16 together: the tag stands in front, since version and variant have their places in it.
_TAG = 10
_NUMBER = 6


class _Computed(Sequence[Item]):
    """A sequence whose items are made when they are looked at, and never stored: a subclass makes item number n."""

    @abstractmethod
    def _at(self, number: int) -> Item: ...

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        if isinstance(index, slice):
            return [self._at(number) for number in range(len(self))[index]]
        return self._at(range(len(self))[index])

    def __iter__(self) -> Iterator[Item]:
        return map(self._at, range(len(self)))


class Population(_Computed[View]):
    """A sequence of all views in the order of the list, the views of a session together.

    With ``sessions=0`` the views are the recordings themselves, else that many sessions made of them in turn.
    """

    def __init__(self, sessions: int, seed: int) -> None:
        self._recorded = load_recordings()
        by_session = itertools.groupby(range(len(self._recorded)), lambda at: self._recorded[at].view.session_id)
        self._sessions = [list(places) for _, places in by_session]
        self._session_of = [number for number, places in enumerate(self._sessions) for _ in places]
        self._places = {recorded.view: place for place, recorded in enumerate(self._recorded)}
        self._harder = {recorded.view: recorded for recorded in load_harder_recordings()}
        self._made = sessions
        self._session_ids = _Ids(f"{seed}/session")
        self._view_ids = _Ids(f"{seed}/view")

    def __len__(self) -> int:
        rounds, rest = divmod(self._made or len(self._sessions), len(self._sessions))
        return rounds * len(self._recorded) + sum(len(places) for places in self._sessions[:rest])

    def recorded(self, view: View) -> RecordedView | None:
        """Find the recording that a view is made of; None for a view that does not exist."""
        harder = self._harder.get(view)
        if harder is not None:
            return harder
        if not self._made:
            place = self._places.get(view)
            return None if place is None else self._recorded[place]
        number = self._view_ids.number(view.view_id)
        # The id of the view alone would lead to a recording; the session must be the right one, too.
        exists = number is not None and number < len(self) and self._at(number) == view
        return self._recorded[number % len(self._recorded)] if exists and number is not None else None

    @property
    def sessions(self) -> int:
        """The number of sessions that the simulator serves, made from its seed or recorded."""
        return self._made or len(self._sessions)

    def session_id(self, number: int) -> str:
        """Tell the id of a session by its number, the first is 0; raises IndexError behind the last."""
        number = range(self.sessions)[number]
        if self._made:
            return self._session_ids.id(number)
        return self._recorded[self._sessions[number][0]].view.session_id

    def views_of(self, session_id: str) -> list[int]:
        """Find the numbers of a session's views; none for a session that does not exist."""
        number = self._session_ids.number(session_id) if self._made else self._recorded_session(session_id)
        if number is None or number >= self.sessions:
            return []
        rounds, session = divmod(number, len(self._sessions))
        return [rounds * len(self._recorded) + place for place in self._sessions[session]]

    def _recorded_session(self, session_id: str) -> int | None:
        numbers = range(len(self._sessions))
        return next((number for number in numbers if self.session_id(number) == session_id), None)

    def write(self, file: TextIO) -> int:
        """Write the list as CSV with a header line; return the number of views."""
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(View._fields)
        rows.writerows(self)
        return len(self)

    def _at(self, number: int) -> View:
        """Make the view of a number: each round over the recordings has sessions of its own."""
        rounds, place = divmod(number, len(self._recorded))
        if not self._made:
            return self._recorded[place].view
        session = rounds * len(self._sessions) + self._session_of[place]
        return View(self._session_ids.id(session), self._view_ids.id(number))


class _Ids:
    """A cipher between numbers below 2**48 and ids that look like random UUIDs of version 4.

    An id holds its number and a tag, so a made-up id is known as such without a table of ids.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()[-64:]

    def id(self, number: int) -> str:
        plain = number.to_bytes(_NUMBER)
        tag = self._tag(plain)
        return str(UUID(bytes=tag + self._cipher(tag, plain)))

    def number(self, text: str) -> int | None:
        """Read the number of an id; None for an id that this cipher did not make."""
        try:
            octets = UUID(text).bytes
        except ValueError:
            return None
        tag = octets[:_TAG]
        plain = self._cipher(tag, octets[_TAG:])
        return int.from_bytes(plain) if self._tag(plain) == tag else None

    def _tag(self, plain: bytes) -> bytes:
        tag = bytearray(blake2b(plain, key=self._key, digest_size=_TAG).digest())
        # The tag authenticates the number: a made-up id has, but for one in 2**74, no number.
        tag[6] = tag[6] & 0x0F | 0x40  # version 4
        tag[8] = tag[8] & 0x3F | 0x80  # the variant of RFC 9562
        return bytes(tag)

    def _cipher(self, tag: bytes, octets: bytes) -> bytes:
        mask = blake2b(tag, key=self._key, digest_size=_NUMBER).digest()
        return (int.from_bytes(octets) ^ int.from_bytes(mask)).to_bytes(_NUMBER)


class _Renamed(_Computed[bytes]):
    """Recorded segments with the ids of a view that was made of the recording; all else in them is as recorded."""

    def __init__(self, segments: Sequence[bytes], recorded: View, view: View) -> None:
        self._segments = segments
        # With the quotes: no part of a longer text is an id.
        self._ids = [(b'"%b"' % was.encode(), b'"%b"' % now.encode()) for was, now in zip(recorded, view, strict=True)]

    def __len__(self) -> int:
        return len(self._segments)

    def _at(self, number: int) -> bytes:
        segment = self._segments[number]
        behind = segment.rfind(b"]")  # the recorder writes the ids behind the records
        names = segment[behind:]
        for was, now in self._ids:
            names = names.replace(was, now)
        return segment[:behind] + names


class Truth:
    """The segments of every view, exactly as the simulator serves them; tests compare archives with them."""

    def __init__(self, settings: SimulatorSettings, views: Population) -> None:
        self._holding = settings.holding
        self._pages = settings.paging.pages
        self._seed = settings.seed
        self.views = views
        # By recorded view, of which there are few: a million made sessions share the same tuples.
        self._lengthened: dict[View, tuple[bytes, ...]] = {}

    def expected_segments(self, view: View, source: Source | None = None) -> Sequence[bytes]:
        """Give the exact bytes of a view's segments in order; without a source from the first store that has any."""
        sources = (Source.EVENT_PLATFORM, Source.BLOB) if source is None else (source,)
        return next((held for each in sources if (held := self.held(view, each))), ())

    def exists(self, view: View) -> bool:
        """Tell whether any store knows a view, with or without segments; for any other view a store answers 404."""
        return self.views.recorded(view) is not None

    def held(self, view: View, source: Source) -> tuple[bytes, ...] | None:
        """Give the segments that a store has of a view, which may be none; None for a view unknown to the store."""
        served = self.served(view, source)
        return None if served is None else tuple(served)

    def served(self, view: View, source: Source) -> Sequence[bytes] | None:
        """Give what `held` gives, each segment made when it is looked at: a page needs only its own."""
        recorded = self.views.recorded(view)
        if recorded is None or not self._holds(source, view):
            return None
        if recorded.view not in self._lengthened:
            self._lengthened[recorded.view] = self._lengthen(recorded.segments)
        segments = self._lengthened[recorded.view]
        return segments if recorded.view == view else _Renamed(segments, recorded.view, view)

    def _holds(self, source: Source, view: View) -> bool:
        share = self._holding.blob_share
        # Drawn by view: all segments of a view lie in the same store, as a chain of pages needs it.
        in_blob = share > 0 and draw(self._seed, "blob", view) < share
        if source is Source.BLOB:
            return in_blob or self._holding.overlap
        return not in_blob

    def _lengthen(self, segments: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Repeat or cut the segments until the view is as long as the settings ask.

        Repeated segments keep their index, so a client must not take an index for a place.
        """
        if not segments:
            return segments
        length = max(self._holding.segments_per_view or len(segments), self._pages)
        return tuple(segments[at % len(segments)] for at in range(length))
