"""The trail of a chain of pages: the knowledge that a later run needs to go on with an unfinished view."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec
from msgspec import Struct, field

from replay_fetch.model import Extent, Page, ViewRecord

# A chain of 500 pages keeps 8 kB of marks; that two of its tokens share one happens in 1 of 10^14 chains.
_BYTES = 8


class Trail(Struct, eq=False, omit_defaults=True):
    """The paging tokens of a chain so far, each as a short mark, the number of empty pages at the end, and the extent.

    A token that comes again means a circle. The marks make that visible across runs, at 8 bytes a token.
    """

    marks: list[str] = field(default_factory=list)
    empty: int = 0
    extent: Extent = Extent()
    """What the pages counted of the whole list, the latest of each count. Trails of earlier versions know none."""

    @classmethod
    def of(cls, record: ViewRecord) -> Trail:
        """The trail of a view that was left unfinished; a record without a trail gives the mark of the last token."""
        # With the last token alone a circle is found one round later, and found all the same.
        told = record.recording.trail
        if told is None:
            return cls([] if record.token is None else [mark(record.token)])
        return msgspec.convert(told, cls)

    def extend(self, pages: Iterable[Page]) -> None:
        """Note the next pages, in the order of the chain."""
        for page in pages:
            self.empty = 0 if page.segments else self.empty + 1
            if page.token is not None:
                self.marks.append(mark(page.token))
            if page.extent is not None:
                self.extent = newer(page.extent, self.extent)

    def fields(self) -> dict[str, object]:
        """What a view's record is to tell of it."""
        fields: dict[str, object] = msgspec.to_builtins(self)
        return fields


def newer(extent: Extent, earlier: Extent) -> Extent:
    """Return the counts known behind a page with ``extent``: a count that the page lacks stays, and a flag does not.

    The last page of a chain is often a bare one, so its counts are those of the pages before it.
    """
    return Extent(
        pages=extent.pages if extent.pages[0] else earlier.pages,
        segments=extent.segments if extent.segments[0] else earlier.segments,
    )


def mark(token: str) -> str:
    """The mark of a token: 16 hexadecimal digits, whatever the token's length."""
    return hashlib.blake2b(token.encode(errors="surrogatepass"), digest_size=_BYTES).hexdigest()
