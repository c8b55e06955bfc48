"""``--metrics-file``: text that node_exporter takes, whole at any moment."""

from __future__ import annotations

import os
import re
from pathlib import Path

import anyio
import pytest
from made_snapshots import Pace, snapshot
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from replay_fetch.errors import SettingsError
from replay_fetch.progress.metrics import MetricsFile, metrics_text
from replay_fetch.progress.reporters import report
from replay_fetch.progress.stats import RunStats


def samples(text: str) -> dict[tuple[str, str], float]:
    """By name and label value, as the reference parser of the format has them."""
    families = openmetrics_parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call] # not ours
    return {
        (sample.name, "".join(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


def test_the_reference_parser_reads_what_is_written() -> None:
    read = samples(metrics_text(snapshot(), running=True))
    assert read["replay_fetch_running", ""] == 1
    assert read["replay_fetch_views_total", "fetched"] == 20
    assert read["replay_fetch_views_total", "empty"] == 0
    assert read["replay_fetch_requests_total", ""] == 90
    assert read["replay_fetch_rate_limited_total", ""] == 3
    assert read["replay_fetch_received_bytes_total", ""] == 123_456_789_012
    assert read["replay_fetch_allowed_requests_per_second", ""] == 12.5
    assert read["replay_fetch_limited_by", "API limit"] == 1
    assert read["replay_fetch_limited_by", "disk"] == 0


def test_the_older_format_that_node_exporter_reads_takes_it_too() -> None:
    """Its reader refuses a file for a single type that it does not know."""
    text = metrics_text(snapshot(), running=True)
    families = list(parser.text_string_to_metric_families(text))
    assert {match[1] for match in re.finditer(r"# TYPE \S+ (\S+)", text)} == {"counter", "gauge"}
    assert sum(len(family.samples) for family in families) == len(samples(text))


def test_every_metric_has_its_help_and_type_and_the_text_its_end() -> None:
    text = metrics_text(snapshot(), running=True)
    assert text.endswith("\n# EOF\n")
    assert text.count("# HELP") == text.count("# TYPE")
    counters = re.findall(r"# TYPE (\S+) counter", text)
    assert all(f"\n{name}_total" in text for name in counters)


@pytest.mark.parametrize("rate", [None, float("inf"), float("nan")])
def test_metrics_that_are_not_known_are_left_out(rate: float | None) -> None:
    text = metrics_text(snapshot(rate), running=True)
    assert "allowed_requests_per_second" not in text
    assert "exit_code" not in text
    samples(text)


def test_the_end_of_a_run_is_told_with_its_exit_code() -> None:
    read = samples(metrics_text(snapshot(), running=False, exit_code=3))
    assert (read["replay_fetch_running", ""], read["replay_fetch_exit_code", ""]) == (0, 3)


@pytest.mark.anyio
@pytest.mark.usefixtures("virtual_clock")
async def test_the_file_is_rewritten_every_ten_seconds_and_at_the_end(tmp_path: Path) -> None:
    path, stats = tmp_path / "replay_fetch.prom", RunStats(views_total=5)
    seen = []
    async with anyio.create_task_group() as group:
        group.start_soon(report, stats, Pace, MetricsFile(path))
        for _ in range(25):
            await anyio.sleep(1)
            stats.requests += 1
            seen.append(samples(path.read_text())["replay_fetch_requests_total", ""] if path.exists() else None)
        group.cancel_scope.cancel()
    assert (seen[8], seen[10], seen[20]) == (None, 9, 19)
    assert samples(path.read_text())["replay_fetch_requests_total", ""] == 25
    assert os.listdir(tmp_path) == ["replay_fetch.prom"]  # noqa: PTH208 - pathlib's own is refused in coroutines


def test_a_reader_finds_the_old_text_or_the_new_one(tmp_path: Path) -> None:
    """Whoever opened the file before keeps what they opened: it is replaced, not written over."""
    path = tmp_path / "m.prom"
    file = MetricsFile(path)
    file.refresh(snapshot())
    with path.open() as reader:
        begun = reader.read(100)
        file.finish(snapshot(), 0)
        assert (begun + reader.read()).endswith("# EOF\n")
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_file_that_cannot_be_written_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--metrics-file '.*' cannot be written: there is no folder .*nowhere"):
        MetricsFile(tmp_path / "nowhere" / "m.prom")


def test_a_disk_that_fills_up_ends_the_metrics_and_not_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    file = MetricsFile(folder / "m.prom")
    folder.rmdir()
    for _ in range(3):
        file.refresh(snapshot())
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == ["No such file or directory"]
