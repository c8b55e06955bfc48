"""The guide of RUM events: its commands run as they stand, and print what stands below them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from archives import KEYS, WIDE, write_list
from processes import served
from readme import blocks, commands_in, section, shell, typed

from replay_fetch.archive.events_manifest import EventsLine
from replay_fetch.simulator import SearchSettings, SimulatorSettings
from replay_fetch.simulator.recordings import recordings_folder


def test_the_guides_commands_store_the_events_of_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands_in(tmp_path / "bin")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPLAY_FETCH_PROGRESS", "none")
    with served(SimulatorSettings(limit=WIDE, search=SearchSettings(events_age=90_000))) as simulator:
        for name, value in (("BASE_URL", simulator.base_url), ("CONFIG", "")):
            monkeypatch.setenv(f"REPLAY_FETCH_{name}", value)
        monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
        monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
        write_list(tmp_path / "views.csv", list(simulator.views))
        shell("replay-fetch download views.csv archive/", tmp_path / "bin")
        printed = "\n".join(shell("\n".join(typed("Storing events")), tmp_path / "bin"))
    for line in re.findall(r"^(?!\$ )(.+)$", "".join(blocks("Storing events", "console")), re.MULTILINE):
        assert line in printed
    assert "nothing wrong: " in printed
    assert len(list(Path("archive/events").iterdir())) == 8
    users = shell("\n".join(typed("The files")), tmp_path / "bin")
    assert sum(int(line.split()[0]) for line in users) == 47


def test_the_guides_commands_store_the_events_of_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands_in(tmp_path / "bin")
    monkeypatch.chdir(tmp_path)
    Path("export").mkdir()
    Path("export/events.json").write_bytes(recordings_folder().joinpath("rum_events.ndjson").read_bytes())
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        monkeypatch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)
        monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
        monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
        shell("replay-fetch download export/ archive/", tmp_path / "bin")
        asked = simulator.counts.requests
        for key in ("DD_API_KEY", "DD_APP_KEY"):
            monkeypatch.delenv(key)
        stored, both = typed("Out of an export")
        printed = shell(stored, tmp_path / "bin")
        assert simulator.counts.requests == asked
        assert printed[0] == "RUM events of 8 sessions"
        monkeypatch.setenv("DD_BEARER_TOKEN", KEYS.api_key)
        shell(both.replace("archive/", "other/"), tmp_path / "bin")
    texts = [sorted(path.read_bytes() for path in Path(out, "events").iterdir()) for out in ("archive", "other")]
    assert texts[0] == texts[1] != []


def test_the_guide_names_every_key_of_the_manifest_of_events() -> None:
    sentence = section("The files").partition("Its keys: ")[2].partition("`verify`")[0]
    assert re.findall(r"`(\w+)`", sentence) == list(EventsLine.__struct_fields__)
