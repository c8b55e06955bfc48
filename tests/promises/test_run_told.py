"""What a run tells of itself, from the outside: one JSON object on stdout, metrics, and its course in the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archives import WIDE, write_list
from processes import run_here, served
from prometheus_client.openmetrics import parser

from replay_fetch.simulator import LimitSettings, SimulatorSettings


def exposed(path: Path) -> dict[str, float]:
    """The metrics without labels, by name."""
    families = parser.text_string_to_metric_families(path.read_text())  # type: ignore[no-untyped-call] # not ours
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


def test_the_summary_is_all_there_is_on_stdout_and_every_account_agrees(tmp_path: Path) -> None:
    metrics = tmp_path / "replay_fetch.prom"
    with served(SimulatorSettings(limit=LimitSettings(limit=20, period=1.0))) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        where = ["--base-url", simulator.base_url]
        done = run_here("download", views, tmp_path / "out", *where, "--json", "--metrics-file", metrics)
        counted = simulator.counts.totals()
    summary = json.loads(done.stdout)
    report = json.loads((tmp_path / "out/report.json").read_bytes())
    told = exposed(metrics)
    assert (done.code, done.stdout.count("\n")) == (0, 1)
    assert (told["replay_fetch_running"], told["replay_fetch_exit_code"]) == (0, 0)
    assert told["replay_fetch_requests_total"] == summary["requests"] == report["requests"] == counted["requests"]
    *_, last = report["pacing"]
    assert (last["requests"], last["pages"]) == (report["requests"], report["pages"])
    assert last["limited_by"] == "API limit"
    assert {(slow["session_id"], slow["view_id"]) for slow in report["slowest"]} <= set(simulator.views)
    assert len(report["slowest"]) == 20
    assert done.stderr.splitlines()[-1].split(" INFO ")[1].startswith("27/27 views, API window ")


def test_a_run_that_has_nothing_to_do_says_so_in_its_metrics(tmp_path: Path) -> None:
    metrics = tmp_path / "replay_fetch.prom"
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views[:2])
        command: list[str | Path] = [
            "download",
            views,
            tmp_path / "out",
            "--base-url",
            simulator.base_url,
            "--metrics-file",
            metrics,
        ]
        run_here(*command)
        first = exposed(metrics)
        run_here(*command)
    second = exposed(metrics)
    assert (first["replay_fetch_views_finished_before"], second["replay_fetch_views_finished_before"]) == (0, 2)
    assert (second["replay_fetch_requests_total"], second["replay_fetch_exit_code"]) == (0, 0)


@pytest.mark.parametrize("flags", [("-q",), ("--progress", "bar"), ("--progress", "none", "--log-format", "json")])
def test_a_log_file_tells_the_whole_run_whatever_the_terminal_shows(tmp_path: Path, flags: tuple[str, ...]) -> None:
    log = tmp_path / "run.log"
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        where = ["--base-url", simulator.base_url, "--workers", "7"]
        done = run_here("download", views, tmp_path / "out", *where, "--log-file", log, *flags)
    written = log.read_text()
    assert done.code == 0
    for said in (
        "download began: ",
        "pid ",
        '"workers":7',
        "27/27 views, ",
        "  fetched                25  60 segments",
    ):
        assert said.replace('"', '\\"') in written if "json" in flags else said in written
        assert said not in done.stderr or said.startswith("27")
    assert "download ended with exit code 0" in written.splitlines()[-1]
    if "json" in flags:
        lines = [json.loads(line) for line in written.splitlines()]
        assert lines[1]["settings"]["fetch"]["workers"] == 7
        assert lines[-1]["exit_code"] == 0


def test_a_log_file_ends_with_the_reason_where_nothing_was_asked(tmp_path: Path) -> None:
    done = run_here("download", tmp_path / "nosuch.csv", tmp_path / "out", "--log-file", tmp_path / "log", "-q")
    assert done.code == 2
    assert "ERROR download ended: " in (tmp_path / "log").read_text().splitlines()[-1]


def test_metrics_that_cannot_be_written_are_said_before_anything_is_asked(tmp_path: Path) -> None:
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        metrics = tmp_path / "nowhere" / "m.prom"
        where = ["--base-url", simulator.base_url]
        done = run_here("download", views, tmp_path / "out", *where, "--metrics-file", metrics)
        counted = simulator.counts.totals()
    assert (done.code, counted["requests"]) == (2, 0)
    assert "--metrics-file" in done.stderr
