"""The trail of a chain of pages: the knowledge that a later run needs to go on with an unfinished view."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec
from msgspec import Struct, field

from replay_fetch.model import Page, ViewRecord

# A chain of 500 pages keeps 8 kB of marks; that two of its tokens share one happens in 1 of 10^14 chains.
_BYTES = 8


class Trail(Struct, eq=False):
    """The paging tokens of a chain so far, each as a short mark, and the number of empty pages at the end.

    A token that comes again means a circle. The marks make that visible across runs, at 8 bytes a token.
    """

    marks: list[str] = field(default_factory=list)
    empty: int = 0

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

    def fields(self) -> dict[str, object]:
        """What a view's record is to tell of it."""
        fields: dict[str, object] = msgspec.to_builtins(self)
        return fields


def mark(token: str) -> str:
    """The mark of a token: 16 hexadecimal digits, whatever the token's length."""
    return hashlib.blake2b(token.encode(errors="surrogatepass"), digest_size=_BYTES).hexdigest()
