"""The records of RUM events in ledger and manifest, where no run is needed to see them."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from damaged_archives import problems

from replay_fetch.archive.read.verify import Problem
from replay_fetch.ledger.ledger import Ledger


def test_a_ledger_of_an_older_version_reads_as_one_without_events(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(Ledger.open(path)) as ledger, ledger._transaction():
        ledger._db.execute("DROP TABLE events")
        ledger._db.execute("DROP TABLE events_unnamed")
    with closing(Ledger.open_read_only(path)) as ledger:
        assert list(ledger.events()) == []
        assert ledger.events_redo_list() == []
        assert not ledger.events_totals().asked
        assert ledger.session_of_events("s") is None


def test_an_events_line_that_contradicts_itself_is_named(tmp_path: Path) -> None:
    good = {
        "session_id": "s",
        "outcome": "fetched",
        "reason": None,
        "events": 1,
        "bytes": 9,
        "sha256": "0" * 64,
        "file": "events/s.ndjson",
        "length": 9,
        "stored_sha256": None,
    }
    bad = [{**good, "file": "events/t.ndjson"}, {**good, "events": 0}, {**good, "outcome": "none"}, {"session_id": "s"}]
    (tmp_path / ".replay-fetch").mkdir()
    (tmp_path / "manifest.ndjson").write_text("")
    text = "".join(json.dumps(each) + "\n" for each in [*bad, good, good])
    (tmp_path / "manifest-events.ndjson").write_text(text)
    named = (Problem.DAMAGED, "manifest-events.ndjson")
    assert problems(tmp_path) == [*[named] * 4, (Problem.MISSING, "events/s.ndjson"), named]
