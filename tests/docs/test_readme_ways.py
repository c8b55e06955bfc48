"""The recipes of README and guides, typed in as they stand, with a simulator where the API would be."""

from __future__ import annotations

import configparser
import csv
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import KEYS, WIDE
from processes import served
from readme import blocks, commands_in, shell, typed

from replay_fetch.simulator import PagingSettings, SearchSettings, Shape, SimulatorSettings

NIGHTLY = "A nightly archive"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where people type: a new folder, with the commands beside it."""
    commands_in(tmp_path / "bin")
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    monkeypatch.setenv("REPLAY_FETCH_PROGRESS", "none")
    return tmp_path


# Views that are younger than a day stay open where the list counts more segments than came, as it does of one.
PAST_A_DAY = SearchSettings(events_age=90_000)


@pytest.fixture
def base_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The simulator that all commands are led to."""
    with served(SimulatorSettings(search=PAST_A_DAY, limit=WIDE)) as simulator:
        monkeypatch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)
        yield simulator.base_url


def rows(path: str) -> list[list[str]]:
    with Path(path).open(newline="") as file:
        return list(csv.reader(file))[1:]


def here(text: str, folder: Path) -> str:
    """The text with the README's folders moved to where tests may write."""
    moved = {
        "/data": "data",
        "/etc/replays": "etc",
        "/var/lib/node_exporter": "metrics",
        "/opt/replay-fetch/bin": "bin",
    }
    for theirs, ours in moved.items():
        text = text.replace(theirs, str(folder / ours))
    return text


def on_any_day(settings: str) -> str:
    """The settings with a window that reaches back to the recordings, whose day is past: 2026-11-23."""
    assert settings.count('"2d"') == 1
    return settings.replace('"2d"', '"36500d"')


@pytest.fixture
def nightly(folder: Path, base_url: str) -> Path:
    """The settings and keys of the nightly archive, as files."""
    assert base_url
    (folder / "metrics").mkdir()
    (folder / "etc").mkdir()
    (folder / "etc" / "archive.toml").write_text(on_any_day(here(blocks(NIGHTLY, "toml")[0], folder)))
    keys = folder / "etc" / "keys"
    keys.write_text(f"DD_API_KEY={KEYS.api_key}\nDD_APP_KEY={KEYS.app_key}\n")
    keys.chmod(0o600)
    return folder


@pytest.mark.usefixtures("base_url")
def test_the_readmes_short_recipes_run_one_after_another(folder: Path) -> None:
    Path("ids.txt").write_text("963b6daa-89f6-4703-86ba-6cab4cd295c2")
    printed = shell("\n".join(typed("Recipes in short")), folder / "bin")
    assert len(list(Path("ticket-1234/sessions").iterdir())) == 1
    assert len(list(Path("replays/sessions").glob("*.ndjson.gz"))) == 8
    assert len(list(Path("season/sessions").glob("*.ndjson.gz"))) == 8
    assert any(line.startswith("nothing wrong: 26 views of 8 sessions") for line in printed)


@pytest.mark.usefixtures("base_url")
def test_a_tickets_sessions_are_found_looked_at_and_brought_home(folder: Path) -> None:
    wanted = ["1f46e825-067f-4850-9b0a-58b0ef0c14f1", "963b6daa-89f6-4703-86ba-6cab4cd295c2"]
    Path("ids.txt").write_text("\n".join(wanted))
    printed = shell("\n".join(typed("Ten minutes with a ticket")), folder / "bin")
    assert {session for session, *_ in rows("views.csv")} == set(wanted)
    assert "flags         none needed" in printed
    assert {path.stem for path in Path("ticket-1234/sessions").iterdir()} == set(wanted)
    assert {path.stem for path in Path("complaint/sessions").iterdir()} == {wanted[0]}
    (told,) = [block for block in blocks("Ten minutes with a ticket", "console") if "transcript" in block]
    assert set(told.splitlines()) - {f"$ {command}" for command in typed("Ten minutes with a ticket")} <= set(printed)
    assert "<!doctype html>" in Path("page.html").read_text("utf-8")


@pytest.mark.any_day
def test_the_cron_line_makes_an_archive_and_a_second_night_asks_again_for_what_may_grow(nightly: Path) -> None:
    (block,) = blocks(NIGHTLY, "cron")
    setting, line = here(block, nightly).splitlines()
    command = line.split(maxsplit=5)[5]
    for _ in range(2):
        shell(f"export {setting}\n{command}", nightly / "bin")
    first, second = map(json.loads, Path("runs.ndjson").read_text().splitlines())
    assert first["exit_code"] == second["exit_code"] == 0
    assert first["outcomes"] == second["outcomes"]
    assert second["requests"] == first["requests"]
    assert {path.suffix for path in Path("replays/sessions").iterdir()} == {".zst"}
    assert "replay_fetch_exit_code 0\n" in (nightly / "metrics" / "replay_fetch.prom").read_text()


def test_the_units_commands_run_and_a_view_that_failed_fails_no_unit(nightly: Path) -> None:
    unit, timer = (parsed(block) for block in blocks(NIGHTLY, "ini"))
    assert timer["Timer"]["OnCalendar"]
    service = unit["Service"]
    assert service["SuccessExitStatus"].split() == ["1", "130"]
    for command in (line for line in here(blocks(NIGHTLY, "ini")[0], nightly).splitlines() if "ExecStart=" in line):
        words = shlex.join(shlex.split(command.removeprefix("ExecStart=")))
        shell(f"export {here(service['Environment'], nightly)}\n{words}", nightly / "bin")
    assert len(list(Path("replays/sessions").iterdir())) == 8


def parsed(unit: str) -> configparser.ConfigParser:
    """A systemd unit, of whose repeated lines the last one stays."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # the documented way to keep the case
    parser.read_string(unit)
    return parser


@pytest.mark.any_day
@pytest.mark.usefixtures("base_url")
def test_a_season_is_planned_fetched_and_split_by_session(folder: Path) -> None:
    printed = shell("\n".join(typed("A season before it expires")), folder / "bin")
    assert "at --max-rate 10: 2.6 s or more" in printed
    assert len(list(Path("season/sessions").glob("*.ndjson.zst"))) == 8
    first, second = rows("shard-a.csv"), rows("shard-b.csv")
    assert sorted(first + second) == sorted(rows("season.csv"))
    assert not {session for session, *_ in first} & {session for session, *_ in second}
    assert first
    assert second


def test_pages_of_an_unknown_shape_are_probed_decoded_and_continued(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paging = PagingSettings(shape=Shape.UNKNOWN, pages=2)
    with served(SimulatorSettings(search=PAST_A_DAY, limit=WIDE, paging=paging)) as simulator:
        monkeypatch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)
        shell(
            "replay-fetch discover --from now-2d --out views.csv; ! replay-fetch download views.csv archive 2> log",
            folder / "bin",
        )
        session, view, *_ = rows("views.csv")[0]
        probe, *later = typed("When the API answers something unknown")
        asked = probe.replace("SESSION", session).replace("VIEW", view)
        printed = shell("\n".join([f"{asked} || true", *later]), folder / "bin")
    assert "try           --segments-path payload.chunks --next-path continuation" in printed
    assert json.loads(Path("archive/report.json").read_text())["exit_code"] == 0


def test_a_session_is_scrubbed_verified_and_played(folder: Path) -> None:
    shell("replay-fetch demo > demo.txt 2>&1", folder / "bin")
    printed = shell("\n".join(typed("A copy to hand on")), folder / "bin")
    assert printed[0] == "shared"
    assert any(line.startswith("nothing wrong: 4 views of 1 session") for line in printed)
    assert 'click         button "xxx"' in "\n".join(printed)
    assert json.loads(Path("shared/report.json").read_text())["scrubbed"]["views"] == 4
    assert "Corner Shop" not in Path("page.html").read_text()


def test_a_person_is_erased_as_the_guide_says(folder: Path) -> None:
    shell("replay-fetch demo archive > demo.txt 2>&1", folder / "bin")
    ids = list(
        dict.fromkeys(
            json.loads(line)["session_id"] for line in Path("archive/manifest.ndjson").read_text().splitlines()
        )
    )
    ada, other = "1f46e825-067f-4850-9b0a-58b0ef0c14f1", "963b6daa-89f6-4703-86ba-6cab4cd295c2"
    events = [{"session": {"id": each}, "usr": {"email": "Ada@example.com"} if each == ada else {}} for each in ids]
    Path("events.ndjson").write_text("".join(json.dumps(event) + "\n" for event in events))
    printed = shell("\n".join(typed("Erase a person")[:4]), folder / "bin")
    assert printed[0] == "1 session of archive names this user"
    assert [line.partition(":")[0] for line in printed if " from archive" in line] == [
        "would go from archive",
        "erased from archive",
    ]
    assert any(line.startswith(f"nothing wrong: 23 views of {len(ids) - 1} sessions") for line in printed)
    Path("ids.txt").write_text(f"{ids[-1]}\n")
    printed = shell("\n".join(typed("Erase a person")[4:]), folder / "bin")
    assert json.loads(printed[-1])["sessions"] == 1
    assert not Path(f"archive/sessions/{other}.ndjson").exists()
    (mark,) = shell("\n".join(typed("The report for the file")), folder / "bin")
    told = "".join(path.read_text() for path in Path("archive/erasures").iterdir())
    assert f'"sha256":"{mark.split()[0]}"' in told
    shell("\n".join(typed("Erase by age")), folder / "bin")
    assert not any(each in Path("archive/manifest.ndjson").read_text() for each in (ada, other, ids[-1]))
