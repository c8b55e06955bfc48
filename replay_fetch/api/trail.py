"""The trail of a chain of pages: what must be known of it where another run goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec
from msgspec import Struct, field

from replay_fetch.model import Page, ViewRecord

# A chain of 500 pages keeps 8 kB of marks; that two of its tokens share one happens in 1 of 10^14 chains.
_BYTES = 8


class Trail(Struct, eq=False):
    """The paging tokens of a chain so far, by their marks, and the empty pages in a row that it ended on."""

    marks: list[str] = field(default_factory=list)
    empty: int = 0

    @classmethod
    def of(cls, record: ViewRecord) -> Trail:
        """The trail of a view that was left unfinished; of one that tells of none, its last token."""
        told = record.recording.trail
        if told is None:
            return cls([] if record.token is None else [mark(record.token)])
        return msgspec.convert(told, cls)

    def extend(self, pages: Iterable[Page]) -> None:
        """Note the next pages."""
        for page in pages:
            self.empty = 0 if page.segments else self.empty + 1
            if page.token is not None:
                self.marks.append(mark(page.token))

    def fields(self) -> dict[str, object]:
        """What a view's record is to tell of it."""
        fields: dict[str, object] = msgspec.to_builtins(self)
        return fields


def mark(token: str) -> str:
    """A token's mark: short, whatever the token's length."""
    return hashlib.blake2b(token.encode(errors="surrogatepass"), digest_size=_BYTES).hexdigest()
