"""The room on the disk, foreseen from what the views so far took."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from made_snapshots import Pace

from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.totals import Need
from replay_fetch.model import Outcome, Span, View, ViewRecord
from replay_fetch.pipeline import disk
from replay_fetch.pipeline.disk import DiskWatch, disk_free, warn_of_lacking_room
from replay_fetch.progress.snapshot import RunSnapshot
from replay_fetch.progress.stats import RunStats, Speed

_NEED = Need(stored_views=10, stored_segments=50, stored_bytes=5000, views=100, counted_views=40, counted_segments=80)


def test_bytes_to_come_are_told_by_the_lists_counts_else_by_the_views_so_far() -> None:
    assert _NEED.bytes == (80 + 60 * 5) * 100
    assert Need(views=100).bytes is None
    assert _NEED._replace(views=0, counted_views=0, counted_segments=0).bytes == 0


def test_the_ledger_sums_up_what_is_stored_and_what_is_to_come_of_a_list(tmp_path: Path) -> None:
    rows = [(line, View("s", f"v{line}"), 7 if line > 3 else None, None) for line in range(6)]
    with closing(Ledger.open(tmp_path / "ledger")) as ledger:
        number = ledger.load(rows).number
        planned = ledger.planned_session("s")
        stored = ViewRecord(planned[0], Outcome.FETCHED, segments=4, size=900, whole=Span(0, 300, ""))
        failed = ViewRecord(planned[1], Outcome.FAILED, segments=4, size=900)
        ledger.record([stored, failed, ViewRecord(planned[2], Outcome.EMPTY)])
        assert ledger.need(number) == Need(2, 4, 300, 4, 2, 14)
        _, totals = ledger.rehearse(rows[:2])
        assert totals.need == Need(2, 4, 300, 1, 0, 0)


def test_the_disk_of_a_folder_that_is_not_there_yet_is_that_of_the_one_above(tmp_path: Path) -> None:
    there, to_be = disk_free(tmp_path), disk_free(tmp_path / "a" / "b")
    assert there is not None
    assert to_be == pytest.approx(there, rel=0.5)


@pytest.mark.parametrize(("free", "said"), [(38_000, []), (37_999, ["WARNING"])])
def test_a_run_that_will_not_fit_is_warned_of_before_it_begins(
    free: int, said: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(disk, "disk_free", lambda _: free)
    warn_of_lacking_room(_NEED, Path("out"))
    assert [record.levelname for record in caplog.records] == said
    if said:
        assert "about 38.0 kB are to come, and the disk has 38.0 kB left: it will be full" in caplog.text


def _seen(ended: int, free: int | None) -> RunSnapshot:
    stats = RunStats(views_total=1000, stored_bytes=ended * 1000)
    stats.views_ended[Outcome.FETCHED] = ended
    return RunSnapshot(stats, Speed(), Pace(), 60.0, disk_free=free)


def test_a_run_says_how_long_the_disk_lasts_where_the_list_does_not_fit() -> None:
    assert _seen(100, 900_000).disk_full_in is None
    tight = _seen(100, 300_000)
    assert tight.disk_full_in == pytest.approx(180.0)
    assert "disk full in 3 min" in tight.words()
    assert tight.fields()["disk_full_in_s"] == 180
    assert _seen(0, 5).disk_full_in is None
    assert _seen(100, None).disk_full_in is None


def test_a_disk_that_fills_up_is_warned_of_once_in_a_run(caplog: pytest.LogCaptureFixture) -> None:
    watch = DiskWatch()
    for snapshot in (_seen(10, 5), _seen(100, 900_000), _seen(100, 300_000), _seen(101, 299_000)):
        watch.refresh(snapshot)
    watch.close(_seen(102, 298_000))
    (said,) = caplog.messages
    assert said.startswith("the disk has 300.0 kB left, for about 3 min 0 s at this speed: it will be full before")


def test_the_room_of_a_folder_that_is_not_there_yet_is_that_of_the_disk_it_will_lie_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", _only_of(tmp_path))
    assert disk_free(tmp_path / "a" / "b") == disk_free(tmp_path) == 12_000
    assert disk_free(Path("/nowhere")) is None
    monkeypatch.setattr(os, "statvfs", _refused)
    assert disk_free(tmp_path) is None


def _only_of(folder: Path) -> Callable[[Path], SimpleNamespace]:
    def statvfs(asked: Path) -> SimpleNamespace:
        if asked != folder:
            raise FileNotFoundError
        return SimpleNamespace(f_bavail=3, f_frsize=4_000)

    return statvfs


def _refused(_folder: Path) -> None:
    raise PermissionError
