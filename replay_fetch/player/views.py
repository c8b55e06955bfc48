"""One view as the page holds it: its chunks, packed as they are made, and what the page's index says of it."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from replay_fetch.api.coding import gzip_deflater
from replay_fetch.model import ViewRecord
from replay_fetch.replay import Account, Action, ActionKind, Recording
from replay_fetch.replay.css import canvas_rules

# On recordings 6 packs 9 % better than 5 for a fifth more time; a page is made once and kept or sent on.
_LEVEL = 6
_NOTES = 5
"""Reasons for what was left out, the most frequent; records of strangers may bring many."""


@dataclass(slots=True)
class RecordedView:
    """A view on its way into the page; its account is whole once ``blocks`` has been read to the end."""

    record: ViewRecord
    source: str
    recording: Recording
    why_not: Callable[[Account], str]
    """Says why there is nothing to play, where that is so."""
    chunks: list[tuple[int, str]] = field(default_factory=list)
    """Their starts in milliseconds since 1970, and the ids of the elements that hold them."""
    seen: str | None = None
    """The id of the element with the texts that were seen."""
    _end_ms: int = 0

    @property
    def account(self) -> Account:
        """What is known of it so far."""
        return self.recording.account

    @property
    def playable(self) -> bool:
        """There is a picture to begin with."""
        return bool(self.chunks) and self.account.has_page

    def blocks(self, number: int) -> Iterator[bytes]:
        """The view's data as elements that no browser runs; ``number`` tells views of one page apart."""
        for chunk in self.recording.chunks():
            name = f"c{number}-{len(self.chunks)}"
            self.chunks.append((chunk.start_ms, name))
            self._end_ms = chunk.end_ms
            yield block(name, [b"[", b",".join(event.json for event in chunk.events), b"]"])
        if self.playable and self.account.seen:
            self.seen = f"s{number}"
            yield block(self.seen, [_json([[seen.at_ms, seen.text] for seen in self.account.seen]).encode()])

    def about(self) -> dict[str, object]:
        """What the index says of it."""
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
        """When its picture begins, or where there is none when it began."""
        return self.chunks[0][0] if self.chunks else self.account.start_ms or 0

    @property
    def end_ms(self) -> int:
        """When its recording ends."""
        return max(self.account.end_ms or 0, self._end_ms) if self.chunks else self.start_ms

    def rows(self, number: int) -> Iterator[list[object]]:
        """Its actions as rows of the list."""
        for action in self.account.actions:
            row: list[object] = [number, action.at_ms, str(action.kind), action.text]
            more = _more(action)
            yield [*row, more] if more else row

    def _end(self) -> str:
        """Words for the place where the recording ends before the view did."""
        if self.account.ended:
            return ""
        expected = self.record.warnings.segments_expected
        if expected is not None:
            return f"Recording ends here: {self.account.segments} of {expected} segments came."
        if not self.record.finished:
            return f"Recording ends here: this view is not fetched to its end ({self.record.outcome or 'not asked'})."
        return "Recording ends here: the SDK sent no more of this view."


def block(name: str, parts: Iterable[bytes]) -> bytes:
    """Data in gzip and base64, as an element of the page; the same data give the same bytes."""
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
