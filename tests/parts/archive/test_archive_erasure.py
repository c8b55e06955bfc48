"""The erasure of files: which files a session has, and what reports forget."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from replay_fetch.archive.erasure import SessionFiles, begun, erasure_reports, remove_erased, reported_marks, told
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.erased import ErasedSession, mark_of

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Log:
    """What the ledger would say while sessions are erased."""

    def __init__(self, sessions: Sequence[ErasedSession]) -> None:
        self.sessions = list(sessions)
        self.ids = {session.session_id.lower() for session in sessions}

    def erasing(self) -> Iterator[ErasedSession]:
        return iter(self.sessions)

    def is_erased(self, session_id: str) -> bool:
        return session_id.lower() in self.ids

    def files_are_gone(self) -> None:
        self.sessions = []


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An archive with files of sessions a and ab, one of each kind."""
    layout = Layout(tmp_path / "archive")
    private = layout.private.relative_to(layout.root)
    for session_id in ("a", "ab"):
        for name in (
            f"sessions/{session_id}.ndjson",
            f"sessions/{session_id}.partial.ndjson.gz",
            f"events/{session_id}.ndjson",
            f"raw/{session_id}/v/0001.body",
            f"raw/{session_id}/v/0001.json",
            f"{private}/damaged-1/{session_id}.ndjson.zst",
        ):
            (layout.root / name).parent.mkdir(parents=True, exist_ok=True)
            (layout.root / name).write_bytes(b"x")
    layout.temporary.mkdir()
    return layout


def files(layout: Layout) -> set[str]:
    return {path.relative_to(layout.root).as_posix() for path in layout.root.rglob("*") if path.is_file()}


def test_every_file_of_a_session_is_removed_and_none_of_another(layout: Layout) -> None:
    mine = {path.relative_to(layout.root).as_posix() for path in SessionFiles(layout).of("a")}
    before = files(layout)
    assert len(mine) == 6
    place, about = begun(erasure_reports(layout), "session", AT)
    log = Log([ErasedSession("a", views=1, files=6)])
    remove_erased(layout, log, about)
    assert files(layout) == before - mine | {place}
    assert log.sessions == []
    assert not (layout.raw / "a").exists()


def test_an_id_that_is_none_never_becomes_a_path(layout: Layout) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        list(SessionFiles(layout).of("../a"))


def test_reports_forget_rows_and_texts_of_an_erased_session_and_keep_all_else(layout: Layout) -> None:
    report = {
        "views": 3,
        "stopped": "sessions/A.ndjson is damaged: the view v is not as it was written",
        "reasons": [{"outcome": "failed", "reason": "503", "views": 1}],
        "bad_row_reasons": ["line 2: session id A differs only in case from a", "line 3: ab is no UUID"],
        "slowest": [{"session_id": "a", "view_id": "v", "seconds": 3.5}, {"session_id": "ab", "view_id": "v"}],
        "settings": {"plan": {"max_views": None, "refresh": False}},
    }
    dated = layout.root / "reports" / "2026-11-28.json"
    dated.parent.mkdir()
    for path in (layout.report, dated):
        path.write_text(json.dumps(report))
    remove_erased(layout, Log([ErasedSession("a")]), begun(erasure_reports(layout), "session", AT)[1])
    expected = report | {
        "stopped": "of an erased session",
        "bad_row_reasons": ["of an erased session", "line 3: ab is no UUID"],
        "slowest": [{"session_id": "ab", "view_id": "v"}],
    }
    assert json.loads(layout.report.read_bytes()) == json.loads(dated.read_bytes()) == expected


@pytest.mark.parametrize("text", ['{"views": 3, "slowest": []}', "{", "[1, null]"])
def test_a_report_without_the_session_keeps_its_bytes(layout: Layout, text: str) -> None:
    layout.report.write_text(text)
    remove_erased(layout, Log([ErasedSession("a")]), begun(erasure_reports(layout), "age", AT)[1])
    assert layout.report.read_text() == text


def test_the_report_sums_up_and_tells_the_marks_alone(layout: Layout) -> None:
    sessions = [ErasedSession("a", 2, 30, 400, 5, 6000), ErasedSession("c"), ErasedSession("d", 1, 1, 1, 1, 1)]
    place, about = begun(erasure_reports(layout), "user", AT)
    remove_erased(layout, Log(sessions), about)
    told = json.loads((layout.root / place).read_bytes())
    assert list(told.pop("erased")[0]) == ["sha256", "views", "segments", "bytes", "files", "stored_bytes"]
    assert told == {
        "format": 1,
        "erased_at": "2026-11-28T12:00:00Z",
        "chosen_by": "user",
        "sessions": 2,
        "not_there": 1,
        "views": 3,
        "segments": 31,
        "bytes": 401,
        "files": 6,
        "stored_bytes": 6001,
    }
    assert list(reported_marks(DiskShelf(layout.root))) == [mark_of(each.session_id) for each in sessions]


def test_a_long_erasure_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    seconds = iter(range(0, 1000, 6))
    monkeypatch.setattr("replay_fetch.archive.erasure.time.monotonic", lambda: next(seconds))
    with caplog.at_level("INFO"):
        assert len(list(told(map(ErasedSession, "abcd"), "erased"))) == 4
    assert caplog.messages == ["2 sessions erased", "4 sessions erased"]
