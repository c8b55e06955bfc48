"""``decode``: reads ``raw/`` again with other paths, without asking the API."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from replay_fetch.archive import Layout, existing
from replay_fetch.ledger import Ledger
from replay_fetch.pipeline.decode import Decoded, Decoding
from replay_fetch.pipeline.opening import open_as_it_is
from replay_fetch.pipeline.stopping import stoppable


@dataclass(frozen=True, slots=True)
class Redecoding:
    """Which archive, and where things are in its pages."""

    out: Path
    segments_path: str = ""
    next_path: str = ""
    keep_raw: bool = False


async def decode(wanted: Redecoding) -> Decoded:
    """Move what is understood now into sessions.

    Raises ArchiveError where there is no archive or it cannot be opened, KeyboardInterrupt at a
    second signal.
    """
    existing(wanted.out)
    with open_as_it_is(wanted.out) as (layout, ledger):
        decoding = _decoding(wanted, layout, ledger)
        async with stoppable() as stop:
            return await decoding.run(stop)


def rehearse_decode(wanted: Redecoding) -> Decoded:
    """What `decode` would come to; changes nothing, not even where a run is writing."""
    layout = existing(wanted.out)
    with closing(Ledger.open_read_only(layout.ledger)) as ledger:
        return _decoding(wanted, layout, ledger).rehearse()


def _decoding(wanted: Redecoding, layout: Layout, ledger: Ledger) -> Decoding:
    return Decoding(layout, ledger, (wanted.segments_path, wanted.next_path), keep_raw=wanted.keep_raw)
