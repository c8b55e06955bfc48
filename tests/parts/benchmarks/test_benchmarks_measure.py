"""What the benchmarks make of prices, rounds and late ticks."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import measure
from benchmarks.contestants import BARE, OURS, Contestant, installed, ours
from benchmarks.goal import Goal
from benchmarks.lag import PERIOD, Lag, Ticker, watch, watched
from benchmarks.measure import Measure, Run, Trial, ratios, requests_a_page, table
from benchmarks.programs import FailedError, Price


def trial(contestant: str, number: int, cpu: float, requests: int = 105) -> Trial:
    """Starting costs a second; then 100 pages at ``cpu`` each."""
    started, whole = Price(1, 1, 20_000_000), Price(1 + 100 * cpu, 3, 50_000_000)
    return Trial("20000/plain", contestant, number, 20_000, Run(started, 5, 5), Run(whole, 105, requests))


TRIALS = [trial(BARE, 0, 0.1), trial(OURS, 0, 0.3, 105), trial(BARE, 1, 0.2), trial(OURS, 1, 0.4, 210)]


def test_the_cpu_of_a_page_is_counted_without_the_start_of_the_process() -> None:
    assert TRIALS[0].cpu == pytest.approx(0.1)
    assert TRIALS[0].pace == pytest.approx(50)


def test_ratios_are_taken_within_a_round() -> None:
    assert ratios(TRIALS, OURS, BARE) == pytest.approx([3, 2])
    assert ratios(TRIALS, OURS, "one that took no part") == []


def test_requests_a_page_are_of_every_run() -> None:
    assert requests_a_page(TRIALS, OURS) == [1, 2]


def test_a_table_has_a_column_for_the_lag_where_it_was_measured() -> None:
    found = table(TRIALS, lags={BARE: Lag(0.012, 0.004), OURS: Lag(0.05, 0.02)})
    assert [row[found.columns.index("loop lag ms")] for row in found.rows] == ["12 / 4", "50 / 20"]
    assert all(len(row) == len(found.columns) for row in found.rows)
    assert "loop lag ms" not in table(TRIALS).columns


@pytest.mark.parametrize(("share", "sessions"), [(1, 2_000), (0.2, 400), (4, 8_000), (0.0001, 8)])
def test_a_contestant_gets_its_share_of_the_pages(tmp_path: Path, share: float, sessions: int) -> None:
    assert Measure(tmp_path, "20000/plain", "")._sessions(Contestant("slow", ours(), share=share)) == sessions


def test_a_contestant_that_runs_for_a_time_says_how_many_pages_it_got(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def price(command: Sequence[str], **_: object) -> Price:
        out = Path(command[0])
        out.mkdir()
        (out / "pages").write_text("1000")
        return Price(0.5, 2, 1)

    counter = itertools.count(step=1100)
    monkeypatch.setattr(measure, "price", price)
    monkeypatch.setattr(measure, "asked", lambda *_: next(counter))
    counting = Contestant("wrk", lambda _url, _views, out: [str(out)], keeps=False, counts=True)
    (only,) = Measure(tmp_path, "20000/plain", "").trials([counting], rounds=1)
    assert only.cpu == pytest.approx(0.5 / 1000)


@pytest.mark.parametrize(
    ("requests", "files", "complaint"),
    [(10, 2, None), (11, 2, None), (9, 2, "asked 9 times for 10 pages"), (10, 1, "wrote 1 files for 2 sessions")],
)
def test_no_contestant_wins_by_leaving_something_out(
    tmp_path: Path, requests: int, files: int, complaint: str | None
) -> None:
    for name in ("manifest", *(f"sessions-{number}" for number in range(files))):
        (tmp_path / f"{name}.ndjson").touch()
    expected = pytest.raises(FailedError, match=complaint) if complaint else nullcontext()
    with expected:
        measure._check(Contestant(OURS, ours(), reports=True), Run(Price(1, 1, 1), 10, requests), tmp_path, 2)


def test_a_contestant_that_is_not_installed_is_left_out_with_a_word() -> None:
    notes: list[str] = []
    there, missing = Contestant("there", ours()), Contestant("missing", ours(), needs="no_such_program")
    assert installed([there, missing], notes) == [there]
    assert notes == ["Left out, since not installed: missing."]


@pytest.mark.parametrize(
    ("limit", "least", "measured", "missed"),
    [
        (2.0, False, [1.0, 2.0, 9.0], False),
        (2.0, False, [1.0, 2.1, 2.2], True),
        (0.35, True, [0.2, 0.4, 0.5], False),
        (0.35, True, [0.2, 0.3, 0.5], True),
        (2.0, False, [], False),
    ],
)
def test_a_goal_is_held_against_the_median(limit: float, least: bool, measured: list[float], missed: bool) -> None:  # noqa: FBT001 - a table's
    goal = Goal("cost", limit, measured, "{:.2f} x", "pipeline", least)
    assert goal.missed is missed
    assert ("**missed**" in goal.cells()[2]) is missed


def test_a_stall_counts_as_every_tick_that_it_held_up() -> None:
    ticker = Ticker()
    ticker.note(3 * PERIOD + 0.001)
    assert list(ticker.late) == pytest.approx([3 * PERIOD + 0.001, 2 * PERIOD + 0.001, PERIOD + 0.001, 0.001])


@given(st.lists(st.floats(0, 10), min_size=1, max_size=300))
def test_a_hundredth_of_the_ticks_at_most_is_later_than_the_99th_percentile(late: list[float]) -> None:
    lag = Lag.of(late)
    assert lag.worst == max(late)
    assert sum(each > lag.p99 for each in late) <= max(1, len(late) / 100)


LOOPS: list[Callable[..., object]] = [asyncio.run, lambda main: anyio.run(lambda: main)]
if find_spec("uvloop"):
    LOOPS.append(import_module("uvloop").run)


@pytest.mark.parametrize("run", LOOPS)
def test_every_loop_is_watched(monkeypatch: pytest.MonkeyPatch, run: Callable[..., object]) -> None:
    monkeypatch.setattr(asyncio.Runner, "run", asyncio.Runner.run)  # so that it is put back
    ticker = Ticker()
    watch(ticker)
    run(asyncio.sleep(0))
    assert len(ticker.late) >= 1


def test_a_command_under_watch_is_the_same_command() -> None:
    command = watched(["python", "-m", "replay_fetch", "download"], Path("lag.json"))
    assert command == ["python", "-m", "benchmarks.lag", "lag.json", "replay_fetch", "download"]
