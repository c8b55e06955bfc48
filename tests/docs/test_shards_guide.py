"""The guide to shards, typed in as it stands, with a simulator where the API would be."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path

import pytest
from archives import KEYS, WIDE
from processes import run, served
from readme import GUIDES, ROOT, blocks, commands_in, section, shell, typed

from replay_fetch.cli import main
from replay_fetch.shard import _SYSTEMS, COUNT, index_of
from replay_fetch.simulator import SimulatorSettings

GUIDE = GUIDES["shards"]


def test_the_example_gives_one_archive_that_verify_finds_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPLAY_FETCH_PROGRESS", "none")
    shutil.copy(ROOT / "sample_inputs" / "views.csv", "views.csv")
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        monkeypatch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)
        monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
        monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
        printed = shell("\n".join(typed("A list in four shards")), commands_in(tmp_path / "bin"))
    assert "4 shards: 4 ended; not merged" in printed
    assert "4 shards merged into season/manifest.ndjson" in printed
    assert printed[-1].startswith("nothing wrong: 27 views of 8 sessions")
    assert len(Path("season/manifest.ndjson").read_text().splitlines()) == 27


def test_a_damaged_archive_of_shards_is_mended_as_the_guide_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPLAY_FETCH_PROGRESS", "none")
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    shutil.copy(ROOT / "sample_inputs" / "views.csv", "views.csv")
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        monkeypatch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)
        for shard in ("0/2", "1/2"):
            assert main(["download", "views.csv", "season", "--shard", shard]) == 0
        assert main(["merge", "season"]) == 0
        sound = {path.name: path.read_bytes() for path in Path("season", "sessions").iterdir()}
        manifest = Path("season", "manifest.ndjson").read_bytes()
        victim = min(Path("season", "sessions").iterdir())
        victim.write_bytes(victim.read_bytes()[:-100])
        assert main(["verify", "season"]) == 1
        assert "A damaged archive of shards" in " ".join(capsys.readouterr().out.split())
        assert main(["verify", "season", "--rebuild"]) == 2
        merge, move, rebuild, again = typed("A damaged archive of shards")
        shell(f"{merge}\n{move}\n{rebuild} || true\n{again}", commands_in(tmp_path / "bin"))
    assert {path.name: path.read_bytes() for path in Path("season", "sessions").iterdir()} == sound
    assert Path("season", "manifest.ndjson").read_bytes() == manifest
    assert main(["verify", "season"]) == 0


def test_the_example_of_the_librarys_tasks_runs(tmp_path: Path) -> None:
    """As a program, in a folder with a list; its shards are led to the simulator."""
    (example,) = blocks("Tasks for an engine", "python")
    shutil.copy(ROOT / "sample_inputs" / "views.csv", tmp_path)
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        here = f"settings=Settings(api=ApiSettings(base_url={simulator.base_url!r}))"
        led = example.replace('"season", 2)', f'"season", 2, {here})')
        assert led != example
        program = f"import os\nfrom replay_fetch import ApiSettings, Settings\nos.chdir({str(tmp_path)!r})\n{led}"
        (tmp_path / "program.py").write_text(program)
        done = run(command=(sys.executable, str(tmp_path / "program.py")))
    assert (done.code, done.stdout.splitlines()) == (0, ["[0, 0] 27", "27 []"])
    assert (tmp_path / "tables" / "views-00000.parquet").is_file()


def test_the_places_in_the_guide_are_those_of_an_archive() -> None:
    first_cells = re.findall(r"^\| (`[^|]+) \|", section("What lies where"), re.MULTILINE)
    named = set(re.findall(r"`([^`]+)`", "".join(first_cells)))
    assert named == {
        "sessions/",
        "raw/",
        "manifest/03-of-08.ndjson",
        "report/03-of-08.json",
        "manifest.ndjson",
        "report.json",
        ".replay-fetch/archive.json",
        ".replay-fetch/03-of-08/",
    }


def test_the_variables_in_the_guide_are_those_that_auto_reads() -> None:
    told = set(re.findall(r"`([A-Z_]{8,})`", section("Array jobs")))
    read = {name for names in _SYSTEMS.values() for name in names if name}
    assert told == {*read, COUNT, "SLURM_ARRAY_TASK_MIN"}


def test_the_deal_in_the_guide_is_the_one_of_the_code() -> None:
    """Written down a second time, as somebody would who sorts a list by shards elsewhere."""
    told = " ".join(GUIDE.split())
    assert "first eight bytes of `sha256(lower(session_id))`, as a big-endian number, modulo N" in told
    for session_id in ("1F46E825", "963b6daa-89f6-4703-86ba-6cab4cd295c2"):
        first_eight = hashlib.sha256(session_id.lower().encode()).hexdigest()[:16]
        assert index_of(session_id, 7) == int(first_eight, 16) % 7
