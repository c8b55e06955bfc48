"""Pages of a wanted size, cut from the real recordings.

``python -m benchmarks.pages FOLDER SIZE…`` writes ``FOLDER/SIZE/plain/1.json`` to ``5.json`` and the
same under ``gzip``; with ``--views LIST`` it writes these for each view, in ``FOLDER/SIZE/plain/SESSION/VIEW``.
Records are the recorded ones, byte for byte; a segment is cut short where a page is full.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path

from benchmarks.server import CODINGS, PAGES
from replay_fetch.api.json_split import elements, members
from replay_fetch.model import View
from replay_fetch.simulator.recordings import load_recordings

_ENVELOPE = b'{"segments":[%s],"paging":{"next":%s}}'


def cut(size: int, view: View | None = None) -> list[bytes]:
    """The bodies of one session's pages, each of about ``size`` bytes; of none, one empty last page.

    The segments carry the ids of ``view``, and none where it is None, for then every view is answered with them.
    """
    if not size:
        return [b'{"segments":[]}'] * PAGES
    bodies = []
    for page, held in enumerate(filled([size] * PAGES, view), 1):
        token = b"null" if page == PAGES else b'"p%d"' % (page + 1)
        bodies.append(_ENVELOPE % (b",".join(held), token))
    return bodies


def filled(sizes: Sequence[int], view: View | None = None) -> list[list[bytes]]:
    """The segments of one view's pages, each of about so many bytes; ids as of `cut`."""
    segments = _segments(min(sizes) // 2, view)
    indexes = itertools.count()
    pages = []
    for size in sizes:
        room = size - len(_ENVELOPE)
        held = []
        while room > size // 20:
            segment = _fitted(next(segments), room, next(indexes))
            held.append(segment)
            room -= len(segment)
        pages.append(held)
    return pages


def _segments(most: int, view: View | None) -> Iterator[tuple[dict[str, bytes], list[bytes]]]:
    """The recorded segments in turn, for ever: members and records, without records above ``most`` bytes."""
    recorded = [raw for view in load_recordings() for raw in view.segments]
    for raw in itertools.cycle(recorded):
        names = members(raw)
        del names["session"], names["view"]  # of the recording, which no benchmark asks for
        if view is not None:
            names |= {
                "session": b'{"id":"%b"}' % view.session_id.encode(),
                "view": b'{"id":"%b"}' % view.view_id.encode(),
            }
        records = [record for record in elements(names.pop("records")) if len(record) <= most]
        if records:
            yield names, records


def _fitted(segment: tuple[dict[str, bytes], list[bytes]], room: int, index: int) -> bytes:
    """The segment with so many of its records as fit the room, at least one."""
    names, records = segment
    room -= sum(len(key) + len(value) + 4 for key, value in names.items())
    ends = itertools.accumulate(len(record) + 1 for record in records)
    fitting = max(1, sum(end <= room for end in ends))
    told = {
        **names,
        "index_in_view": b"%d" % index,
        "records_count": b"%d" % fitting,
        "has_full_snapshot": b"true" if index == 0 else b"false",
    }
    rest = b",".join(b'"%s":%s' % (key.encode(), value) for key, value in told.items())
    return b'{"records":[%s],%s}' % (b",".join(records[:fitting]), rest)


def write(folder: Path, size: int, codings: Sequence[str], views: Sequence[View]) -> None:
    """Write pages of about ``size`` bytes: each view's with its ids, or the same for all where none is named."""
    if not views:
        _write(folder, codings, "", cut(size))
        return
    model = View("session-id-of-36-characters-to-be-sure", "view-id-of-36-characters-to-be-sure-")
    bodies = cut(size, model)
    for view in views:
        ids = {model.session_id.encode(): view.session_id.encode(), model.view_id.encode(): view.view_id.encode()}
        own = [reduce(lambda body, id_: body.replace(*id_), ids.items(), body) for body in bodies]
        _write(folder, codings, f"{view.session_id}/{view.view_id}", own)


def _write(folder: Path, codings: Sequence[str], place: str, bodies: Sequence[bytes]) -> None:
    for coding in codings:
        into = folder / coding / place
        into.mkdir(parents=True, exist_ok=True)
        for number, body in enumerate(bodies, 1):
            (into / f"{number}.json").write_bytes(body if coding == "plain" else gzip.compress(body, 6, mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--codings", nargs="+", choices=CODINGS, default=CODINGS)
    parser.add_argument("--views", type=Path)
    options = parser.parse_args()
    rows = options.views.read_text(encoding="utf-8").splitlines()[1:] if options.views else []
    for size in options.sizes:
        write(options.folder / str(size), size, options.codings, [View(*row.split(",")) for row in rows])


if __name__ == "__main__":
    main()
