"""Archives written by hand: the layout's names, the format's lines, and segments as small as a test needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from msgspec.structs import replace

from replay_fetch.api.segment import Continuity, facts
from replay_fetch.archive.compress import compressed
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import lines
from replay_fetch.archive.manifest import write_manifest
from replay_fetch.model import Outcome, PlannedView, Recording, Segment, Span, View, ViewRecord, Warnings
from replay_fetch.settings import Compression

START = 1_700_000_000_000
"""When the recordings of these archives begin, unless they say otherwise: 2023-11-14 22:13:20 UTC."""


def segment(
    index: int = 0, start: float = 0.0, end: float = 5.0, records: Sequence[Mapping[str, object]] = (), **more: object
) -> bytes:
    """A browser's segment; ``start`` and ``end`` are seconds behind START."""
    content = {
        "records": list(records),
        "start": START + int(start * 1000),
        "end": START + int(end * 1000),
        "creation_reason": "init" if index == 0 else "segment_duration_limit",
        "records_count": len(records),
        "has_full_snapshot": index == 0,
        "index_in_view": index,
        "source": "browser",
        "application": {"id": "app"},
    }
    return json.dumps(content | more).encode()


def meta(href: str, at: float = 0.0) -> dict[str, object]:
    """The record of a page being opened."""
    return {"type": 4, "timestamp": START + int(at * 1000), "data": {"href": href, "width": 1, "height": 1}}


def click(at: float) -> dict[str, object]:
    """The record of a mouse interaction."""
    return {"type": 3, "timestamp": START + int(at * 1000), "data": {"source": 2, "id": 7}}


def ended(session_id: str, view_id: str, outcome: Outcome, reason: str = "") -> ViewRecord:
    """A view of which nothing was stored."""
    return ViewRecord(PlannedView(0, 0, View(session_id, view_id)), outcome=outcome, reason=reason)


def write_archive(
    root: Path,
    views: Mapping[tuple[str, str], Sequence[bytes]],
    others: Sequence[ViewRecord] = (),
    compression: Compression = Compression.NONE,
) -> Path:
    """An archive of fetched views, and of others that have no bytes; those of a session side by side."""
    layout = Layout(root, compression)
    for folder in (layout.sessions, layout.temporary):
        folder.mkdir(parents=True)
    records = []
    for session_id, together in groupby(views, lambda pair: pair[0]):
        stored = b""
        for pair in together:
            record, body = _fetched(View(*pair), views[pair], compression)
            if body:
                record = replace(record, whole=Span(len(stored), len(body), hashlib.sha256(body).hexdigest()))
            records.append(record)
            stored += body
        layout.session_file(session_id).write_bytes(stored)
    write_manifest(layout, [*records, *others])
    return root


def _fetched(view: View, segments: Sequence[bytes], compression: Compression) -> tuple[ViewRecord, bytes]:
    text = lines(view, 0, [Segment(raw) for raw in segments])
    seen = Continuity()
    for raw in segments:
        seen.add(facts(raw))
    record = ViewRecord(
        PlannedView(0, 0, view),
        outcome=Outcome.FETCHED,
        source="event_platform",
        shape="segments",
        pages=1,
        segments=len(segments),
        size=len(text),
        sha256=hashlib.sha256(text).hexdigest() if text else "",
        warnings=Warnings(seen.gaps, seen.repeats, seen.lacks_full_snapshot),
        recording=Recording(seen.start_ms, seen.end_ms, seen.records),
    )
    return record, b"".join(compressed([text], compression)) if text else b""
