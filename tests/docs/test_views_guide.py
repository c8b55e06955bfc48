"""The guide of lists, typed in as it stands, with a simulator where the API would be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import WIDE
from processes import served
from readme import blocks, commands_in, shell, typed

from replay_fetch.simulator import SearchSettings, SimulatorSettings
from replay_fetch.simulator.recordings import recordings_folder

TICKET = {"1f46e825-067f-4850-9b0a-58b0ef0c14f1", "963b6daa-89f6-4703-86ba-6cab4cd295c2"}
# Older than a day: of younger views with fewer segments than counted, more may come.
SETTINGS = SimulatorSettings(search=SearchSettings(events_age=90_000), limit=WIDE)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where people type: a new folder, with the commands beside it, led to a simulator."""
    commands_in(tmp_path / "bin")
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    monkeypatch.setenv("REPLAY_FETCH_PROGRESS", "none")
    with served(SETTINGS) as simulator:
        monkeypatch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)
        yield tmp_path


def test_links_ids_and_lists_of_sessions_are_downloaded_as_the_guide_says(folder: Path) -> None:
    Path("ids.txt").write_text("\n".join(TICKET))
    link, ids, listed = typed("Links and session ids")
    for command, sessions in ((link, {min(TICKET)}), (ids, TICKET), (listed, TICKET)):
        shell(command, folder / "bin")
        assert {path.stem for path in Path("ticket/sessions").iterdir()} == sessions


def test_the_count_that_the_guide_shows_is_the_one_that_is_printed(folder: Path) -> None:
    (block,) = (block for block in blocks("Finding the views", "console") if "--count" in block)
    command, *shown = block.splitlines()
    assert command.startswith("$ ")
    printed = shell(command[2:], folder / "bin")
    assert printed == shown


def test_an_export_is_downloaded_with_its_events_as_the_guide_says(folder: Path) -> None:
    exported = Path("export", "dt=20261127", "hour=09", "archive_090000.0000.json")
    exported.parent.mkdir(parents=True)
    exported.write_bytes(recordings_folder().joinpath("rum_events.ndjson").read_bytes())
    (command,) = typed("Exported RUM events")
    printed = shell(command, folder / "bin")
    sessions = {path.stem for path in Path("archive/sessions").iterdir()}
    assert len(sessions) == 8
    assert {path.stem for path in Path("archive/events").iterdir()} == sessions
    assert any(line.startswith("read from export, ") for line in printed)
