"""What is wrong with an archive's ledger, or with its manifest by the ledger's account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import zip_longest

import orjson

from replay_fetch.archive import Layout
from replay_fetch.archive.manifest import manifest_line
from replay_fetch.archive.verifying import Finding, Problem
from replay_fetch.errors import ArchiveError
from replay_fetch.ledger import Ledger
from replay_fetch.ledger.setting import Setting, State
from replay_fetch.settings import Compression


def ledger_findings(layout: Layout) -> Iterator[Finding]:
    """What is wrong; nothing where there is no ledger, for an archive is complete without one.

    A manifest may be behind the ledger while a run goes on and after one was killed: then it is not
    held against it.
    """
    if not layout.ledger.is_file():
        return
    try:
        with closing(Ledger.open_read_only(layout.ledger)) as ledger:
            ledger.check()
            if ledger.setting(Setting.STATE) == State.CLEAN and layout.manifest.is_file():
                yield from _differences(layout, ledger)
    except ArchiveError as error:
        yield Finding(Problem.DAMAGED, layout.ledger.relative_to(layout.root).as_posix(), str(error))


def _differences(layout: Layout, ledger: Ledger) -> Iterator[Finding]:
    """The first line of the manifest that is not what a run wrote there."""
    written_by = replace(layout, compression=Compression(ledger.setting(Setting.COMPRESSION) or Compression.NONE))
    lines = (manifest_line(written_by, view) for view in ledger.views())
    with layout.manifest.open("rb") as manifest:
        for number, (there, written) in enumerate(zip_longest(manifest, lines), start=1):
            if there != written and _contradict(there, written):
                yield Finding(Problem.DAMAGED, layout.manifest.name, f"line {number} is not what the ledger says")
                return


def _contradict(there: bytes | None, written: bytes | None) -> bool:
    """True where the lines give a key different values; another version may write fewer keys or more."""
    if there is None or written is None:
        return True
    try:
        said: object = orjson.loads(there)
    except ValueError:
        return True
    expected = orjson.loads(written)
    return not isinstance(said, dict) or any(said[key] != expected[key] for key in said.keys() & expected.keys())
