"""What must be true of an archive after a crash, and once the run has come to its end."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archives import Archive

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.inspect.verification import Depth
from replay_fetch.inspect.verify import Verifying
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.model import Source, View

if TYPE_CHECKING:
    from crash.harness import Stage

_RESULTS = """
SELECT session_id, view_id, outcome, source, pages, token
FROM result JOIN view USING (row) JOIN session USING (session)
"""
_FINISHED = ("fetched", "empty", "missing")


@dataclass(frozen=True)
class Progress:
    """What the ledger had at a crash, and how often that had been asked for until then."""

    finished: Counter[View]
    pages: Counter[tuple[View, Source, int]]
    """Of views whose chain is to go on: the pages that are there."""


def check_crashed(stage: Stage, out: Path) -> Progress:
    """Look at an archive whose run was ended; raises AssertionError where a finished file is not finished."""
    begun = Archive(stage.folder / "begun")
    good = [stage.reference.sessions(), begun.sessions() if begun.root.is_dir() else {}]
    if (out / "sessions").is_dir():
        for name, body in Archive(out).sessions().items():
            assert ".partial." in name or any(body == files.get(name) for files in good), f"{name} is not whole"
    progress = _progress(stage, out)
    if _results(out) is not None:
        found = Verifying(DiskShelf(out), Processes(1), None, Depth.LINES).run()
        assert not found.findings, found.findings
    return progress


def check_finished(stage: Stage, out: Path, known: list[Progress]) -> None:
    """Hold a finished archive against the one that was never interrupted."""
    archive, reference = Archive(out), stage.reference
    assert archive.sessions() == reference.sessions()
    assert (out / "manifest.ndjson").read_bytes() == (reference.root / "manifest.ndjson").read_bytes()
    files, good = _names(archive), _names(reference)
    assert files.keys() == good.keys(), files.keys() ^ good.keys()
    for name in files:
        if name.endswith(".body") or "/parts/" in name:
            assert files[name].read_bytes() == good[name].read_bytes(), name
    counts = stage.simulator.counts
    for progress in known:
        again = not stage.scenario.asks_again and {
            view for view, count in progress.finished.items() if counts.views[view] != count
        } - _witnesses(out)
        assert not again, f"finished and asked for again: {again}"
        again_pages = {page for page, count in progress.pages.items() if counts.pages[page] != count}
        assert not again_pages, f"there already and asked for again: {again_pages}"
    code = stage.launcher.run(["verify", str(out)], out)
    assert code == 0, stage.launcher.said.read_text()


def _witnesses(out: Path) -> set[View]:
    """Fetched views that a run may ask for once more, to see whether the API is well: those of the last session.

    A run that has nothing left but a view without segments has no other way to tell.
    """
    with closing(Ledger.open_read_only(Layout(out).ledger)) as ledger:
        latest = [record.planned.view for record in ledger.latest_fetched(None, 99)]
    return {view for view in latest if view.session_id == latest[0].session_id}


def _names(archive: Archive) -> dict[str, Path]:
    """The files of an archive but kept reports, whose names tell a run's time; a part without its attempt's number."""
    names = {name for name in archive.files() if not name.startswith("reports/")}
    return {re.sub(r"(parts/\d+)-\d+", r"\1", name): archive.root / name for name in names}


def _progress(stage: Stage, out: Path) -> Progress:
    counts = stage.simulator.counts
    finished: Counter[View] = Counter()
    pages: Counter[tuple[View, Source, int]] = Counter()
    for session_id, view_id, outcome, source, number, token in _results(out) or ():
        view = View(session_id, view_id)
        if outcome in _FINISHED:
            finished[view] = counts.views[view]
        elif token is not None:
            saved = [(view, Source(source), page) for page in range(1, number + 1)]
            pages |= Counter({page: counts.pages[page] for page in saved})
    return Progress(finished, pages)


def _results(out: Path) -> list[tuple[str, str, str | None, str, int, str | None]] | None:
    """The ledger's results, read from a copy so that the next run finds what the crash left; None of no ledger."""
    ledger = out / ".replay-fetch" / "ledger.sqlite"
    if not ledger.is_file():
        return None
    copy = out.with_name("ledger.sqlite")
    for suffix in ("", "-wal"):
        source = ledger.with_name(ledger.name + suffix)
        target = copy.with_name(copy.name + suffix)
        target.unlink(missing_ok=True)
        if source.is_file():
            target.write_bytes(source.read_bytes())
    with closing(sqlite3.connect(copy)) as db:
        try:
            return list(db.execute(_RESULTS))
        except sqlite3.OperationalError:  # its tables are not made yet
            return None
