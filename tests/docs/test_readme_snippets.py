"""What the README tells people to type runs as it stands, against real archives and a simulator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from archives import KEYS, WIDE
from processes import served
from readme import ROOT, blocks, commands_in, shell, typed

from replay_fetch.cli import main
from replay_fetch.simulator import SimulatorSettings

SAMPLE_LIST = ROOT / "sample_inputs" / "views.csv"
SESSIONS, VIEWS, SEGMENTS = 8, 27, 60
FOLDERS = {"plain": "none", "gzipped": "gzip", "zstd": "zstd"}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each compression, with the sample as ``archive`` and ``tables``, and one for the commands."""
    folder = tmp_path_factory.mktemp("readme")
    with served(SimulatorSettings(limit=WIDE)) as simulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DD_API_KEY", KEYS.api_key)
        patch.setenv("DD_APP_KEY", KEYS.app_key)
        patch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)
        for name, compress in FOLDERS.items():
            (folder / name).mkdir()
            out = str(folder / name / "archive")
            assert main(["download", str(SAMPLE_LIST), out, "--compress", compress]) == 0
            assert main(["export", out, "--parquet", str(folder / name / "tables")]) == 0
    commands_in(folder / "bin")
    return folder


def counted(lines: list[str]) -> int:
    """The sum of what ``uniq -c`` counted."""
    return sum(int(line.split()[0]) for line in lines)


def command_with(words: str) -> str:
    """The shell example about an archive that has these words, with the function that it needs."""
    readable, *commands = typed("Reading it with jq")
    (found,) = (command for command in commands if words in command)
    return f"{readable}\n{found}"


def test_jq_counts_the_records_of_a_plain_archive(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work / "plain")
    printed = shell(command_with("(.records | length)"), work / "bin")
    assert len(printed) == SEGMENTS
    assert all(re.fullmatch(r"\[\d{13},\d{13},\d+\]", line) for line in printed)


def test_jq_counts_the_reasons_of_a_gzipped_archive(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work / "gzipped")
    printed = shell(command_with("gzip -dc"), work / "bin")
    assert counted(printed) == SEGMENTS
    assert {line.split()[1] for line in printed} >= {"init", "view_change", "segment_duration_limit"}


def test_jq_lists_the_pages_of_a_zstd_archive(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work / "zstd")
    printed = shell(command_with("zstd -dcq archive/sessions"), work / "bin")
    assert printed
    assert all(line.split()[1].startswith("http://") for line in printed)


def test_jq_names_the_session_that_has_a_repeat(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work / "plain")
    assert shell(command_with(".gaps != []"), work / "bin") == ["ef22e9b0-2684-4d43-913a-568149633b3c"]


def test_the_readable_form_differs_in_nothing_but_halves_of_characters(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work / "plain")
    readable = command_with(".gaps != []").splitlines()[0]
    text = r'"\ud83d" "\uDE00" "\ud83d\ude00" "\u00e9 \\n"'
    assert shell(f"{readable}\nreadable <<'END'\n{text}\nEND", work / "bin") == [
        r'"\ufffd" "\ufffd" "\ud83d\ude00" "\u00e9 \\n"'
    ]


def test_a_single_view_comes_out_of_a_zstd_archive(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work / "zstd")
    printed = shell(command_with("tail -c"), work / "bin")
    assert len(printed) == 2
    assert all('"view_id":"8fbd8d7a-6bb6-4a2e-b62e-5cc7d3ece4da"' in line for line in printed)


@pytest.fixture
def queries(work: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[tuple[Any, ...]]]]:
    """What DuckDB answers to the statements of the README, in their order."""
    monkeypatch.chdir(work / "plain")
    with duckdb.connect() as database:
        (block,) = blocks("Tables", "sql")
        yield [database.execute(text).fetchall() for text in block.split(";") if text.strip()]


def test_duckdb_answers_what_the_comments_promise(queries: list[list[tuple[Any, ...]]]) -> None:
    outcomes, days, recordings, faulty = queries
    assert set(outcomes) == {("fetched", 25, SEGMENTS), ("empty", 2, 0)}
    assert sum(segments for _, segments, _ in days) == SEGMENTS
    lengths = [length.total_seconds() for *_, length in recordings]
    assert lengths == sorted(lengths, reverse=True)
    assert min(lengths) > 10
    assert len(recordings) == SESSIONS - 1  # one is shorter
    assert [(session[:8], repeats) for session, _, _, _, _, repeats, _ in faulty] == [("ef22e9b0", [2])]


@pytest.mark.parametrize("name", FOLDERS)
def test_pandas_reads_tables_and_sessions(name: str, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work / name)
    seen: dict[str, Any] = {}
    (block,) = blocks("Tables", "python")
    exec(block, seen)  # noqa: S102 - our own README
    assert (len(seen["views"]), len(seen["segments"])) == (VIEWS, SEGMENTS)
    assert seen["sdks"]["count"].sum() == SEGMENTS
    assert [view[:8] for view in seen["holes"]["view_id"]] == ["36de2e4d"]
    assert seen["types"].sum() == len(seen["records"]) > 100
