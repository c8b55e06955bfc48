"""The manifest: one line a view, made anew from the ledger at the end of a run.

It holds nothing that depends on when or how often something was asked, so the same list gives the
same manifest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from replay_fetch.archive.durable import explained, write_atomically
from replay_fetch.archive.layout import Layout
from replay_fetch.model import ViewRecord
from replay_fetch.settings import Compression

_LINES_A_WRITE = 1000


def write_manifest(layout: Layout, views: Iterable[ViewRecord]) -> None:
    """Write the manifest of all ``views``, in their order."""
    with explained(f"writing {layout.manifest}"):
        write_atomically(layout.manifest, _blocks(layout, views), layout.temporary / "manifest")


def entry(layout: Layout, view: ViewRecord) -> dict[str, object]:
    """A view's line; every line has the same keys."""
    partial = view.whole is None
    span = view.whole or view.partial
    session_id, view_id = view.planned.view
    return {
        "session_id": session_id,
        "view_id": view_id,
        "outcome": view.outcome,
        "reason": view.reason or None,
        "source": view.source or None,
        "shape": view.shape or None,
        "pages": view.pages,
        "segments": view.segments,
        "bytes": view.size,
        "sha256": view.sha256 or None,
        "file": layout.session_name(session_id, partial=partial) if span else None,
        "offset": span.offset if span else None,
        "length": span.length if span else None,
        # Of the bytes as they lie in the file: the same as sha256 where nothing is compressed.
        "stored_sha256": span.sha256 if span and layout.compression is not Compression.NONE else None,
        "start_ms": view.about.get("start_ms"),
        "end_ms": view.about.get("end_ms"),
        "records": view.about.get("records"),
        "gaps": view.checks.get("gaps", []),
        "repeats": view.checks.get("repeats", []),
        "lacks_full_snapshot": view.checks.get("lacks_full_snapshot", False),
        "segments_expected": view.checks.get("segments_expected"),
    }


def manifest_line(layout: Layout, view: ViewRecord) -> bytes:
    """The line as it stands in the manifest."""
    return orjson.dumps(entry(layout, view), option=orjson.OPT_APPEND_NEWLINE)


def _blocks(layout: Layout, views: Iterable[ViewRecord]) -> Iterator[bytes]:
    block: list[bytes] = []
    for view in views:
        block.append(manifest_line(layout, view))
        if len(block) == _LINES_A_WRITE:
            yield b"".join(block)
            block = []
    yield b"".join(block)
