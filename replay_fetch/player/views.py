"""A view in the player's page: chunks, packed as they are made, and an entry in the page's index.

A chunk leaves the memory as soon as it is written; name and start stay, for the index.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from replay_fetch.api.coding import gzip_deflater
from replay_fetch.model import ViewRecord
from replay_fetch.replay.account import Account, Action, ActionKind
from replay_fetch.replay.css import canvas_rules
from replay_fetch.replay.recording import Recording

# On recordings 6 packs 9 % better than 5 for a fifth more time; a page is made once and kept or sent on.
_LEVEL = 6
_NOTES = 5
"""Reasons for records that were left out, the most frequent only; a stranger's records may bring many."""


@dataclass(slots=True)
class PlayedView:
    """A view on its way into the page; the account is whole once ``blocks`` has been read to the end.

    ``record`` is the view's line of the manifest, ``source`` the SDK's kind, such as ``browser``.
    """

    record: ViewRecord
    source: str
    recording: Recording
    why_not: Callable[[Account], str]
    """Says why a view without a picture has none."""
    chunks: list[tuple[int, str]] = field(default_factory=list)
    """For each chunk its start in milliseconds since 1970, and the id of the element that holds it."""
    seen: str | None = None
    """The id of the element with the texts that were seen."""
    _end_ms: int = 0

    @property
    def account(self) -> Account:
        """The account of the recording so far: actions, gaps, masked elements and counts."""
        return self.recording.account

    @property
    def playable(self) -> bool:
        """Whether the view has a picture to begin with: a chunk, and a full snapshot in the recording."""
        return bool(self.chunks) and self.account.has_page

    def blocks(self, number: int) -> Iterator[bytes]:
        """Write the view's data as elements that no browser runs; ``number`` tells the views of a page apart.

        A block a chunk, then one with the texts that were seen, for the page's search.
        """
        for chunk in self.recording.chunks():
            name = f"c{number}-{len(self.chunks)}"
            self.chunks.append((chunk.start_ms, name))
            self._end_ms = chunk.end_ms
            yield block(name, [b"[", b",".join(event.json for event in chunk.events), b"]"])
        if self.playable and self.account.seen:
            self.seen = f"s{number}"
            yield block(self.seen, [_json([[seen.at_ms, seen.text] for seen in self.account.seen]).encode()])

    def about(self) -> dict[str, object]:
        """Make the view's entry in the index; without a picture only its address and the reason.

        The names are those that the page's scripts read.
        """
        account = self.account
        about: dict[str, object] = {
            "id": self.record.planned.view.view_id,
            "href": next((action.text for action in account.actions if action.kind is ActionKind.PAGE), ""),
        }
        if not self.playable:
            return about | {
                "chunks": [],
                "said": self.why_not(account),
                "gaps": [],
                "masked": {},
                "ended": True,
                "notes": {},
            }
        return about | {
            "start": self.start_ms,
            "end": self.end_ms,
            "chunks": self.chunks,
            "gaps": [list(gap) for gap in account.gaps],
            "masked": dict(sorted(Counter(masked.how for masked in account.masked).items())),
            "ended": account.ended,
            "endSaid": self._end(),
            "mobile": account.mobile,
            "css": canvas_rules(account.canvas_sizes) if account.canvas_sizes else [],
            "seen": self.seen,
            "seenCut": account.seen_cut,
            "notes": dict(account.notes.most_common(_NOTES)),
        }

    @property
    def start_ms(self) -> int:
        """The time at which the picture begins, or without a picture the view; milliseconds since 1970."""
        return self.chunks[0][0] if self.chunks else self.account.start_ms or 0

    @property
    def end_ms(self) -> int:
        """The time at which the recording ends, milliseconds since 1970."""
        return max(self.account.end_ms or 0, self._end_ms) if self.chunks else self.start_ms

    def rows(self, number: int) -> Iterator[list[object]]:
        """Write the view's actions as rows of the page's list: view's number, time, kind, text and details."""
        for action in self.account.actions:
            row: list[object] = [number, action.at_ms, str(action.kind), action.text]
            more = _more(action)
            yield [*row, more] if more else row

    def _end(self) -> str:
        """Say why the recording ends before the view did; empty for a recording that ends with its view."""
        if self.account.ended:
            return ""
        expected = self.record.warnings.segments_expected
        if expected is not None:
            return f"Recording ends here: {self.account.segments} of {expected} segments came."
        if not self.record.finished:
            return f"Recording ends here: this view is not fetched to its end ({self.record.outcome or 'not asked'})."
        return "Recording ends here: the SDK sent no more of this view."


def block(name: str, parts: Iterable[bytes]) -> bytes:
    """Pack data with gzip and base64 into an element of the page; the same data give the same bytes.

    base64 adds a third, and is the only packed form that a document of text can hold.
    """
    packer = gzip_deflater(_LEVEL)
    packed = b"".join([*(packer.compress(part) for part in parts), packer.flush()])
    return b'<script type="application/gzip" id="%b">%b</script>\n' % (name.encode(), base64.b64encode(packed))


def _more(action: Action) -> dict[str, object]:
    more: dict[str, object] = {}
    if action.selector:
        more["selector"] = action.selector
    if action.value is not None:
        more["value"] = action.value
    if action.until_ms is not None:
        more["until"] = action.until_ms
    return more


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
