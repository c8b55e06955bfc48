"""``replay-fetch download`` and ``discover`` as commands, given sessions and links."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archives import WIDE, Archive
from processes import run_here, served

from replay_fetch.simulator import SearchSettings, SimulatorSettings

# Older than a day: of younger views with fewer segments than counted, more may come.
SMALL = SimulatorSettings(limit=WIDE, search=SearchSettings(events_age=90_000))


def test_the_command_takes_links_and_ids_as_arguments_and_lists_of_sessions(tmp_path: Path) -> None:
    with served(SMALL) as simulator:
        base = ("--base-url", simulator.base_url)
        view, other = simulator.views[0], simulator.views[-1]
        whole = f"https://app.datadoghq.eu/rum/replay/sessions/{view.session_id}"
        done = run_here("download", f"{whole}?seed={view.view_id}", *base, other.session_id, tmp_path / "out", "--json")
        assert done.code == 0, done
        sessions = {each.session_id for each in Archive(tmp_path / "out").manifest()}
        assert sessions == {view.session_id, other.session_id}
        assert "the command line: searching for the views of 2 sessions\n" in done.stderr
        (tmp_path / "ids.txt").write_text(f"{view.session_id}\n")
        planned = run_here(
            "download", "--sessions", tmp_path / "ids.txt", tmp_path / "none", *base, "--dry-run", "--json"
        )
        assert json.loads(planned.stdout)["sessions_to_search"] == 1
        in_words = run_here(
            "download", "--sessions", tmp_path / "ids.txt", tmp_path / "none", *base, "--dry-run"
        ).stdout
        assert in_words.startswith(
            f"{tmp_path}/ids.txt names sessions, nothing asked (--dry-run); known of them so far:\n"
        )
        assert "  to search               1  sessions, whose views are found first" in in_words
        assert not (tmp_path / "none").exists()
        known = run_here("download", "--sessions", tmp_path / "ids.txt", tmp_path / "out", *base, "--dry-run", "--json")
        assert (json.loads(known.stdout)["sessions_to_search"], json.loads(known.stdout)["to_do"]) == (0, 0)
        found = run_here("discover", whole, "--sessions", "-", *base)
        assert (found.code, "not both" in found.stderr) == (2, True)
        found = run_here("discover", whole, *base, "-q")
        assert found.stdout.count(view.session_id) == len(
            [each for each in simulator.views if each.session_id == view.session_id]
        )


_LINK = "https://app.datadoghq.eu/rum/replay/sessions/1f46e825-067f-4850-9b0a-58b0ef0c14f1?seed=v"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["archive"], "VIEWS is missing: replay-fetch download VIEWS archive, or --sessions FILE"),
        (["views.csv"], "OUT is missing: replay-fetch download views.csv OUT"),
        (["-"], "OUT is missing: replay-fetch download - OUT"),
        ([_LINK], "an https:// address stands where OUT belongs, the archive: a folder, or an address of s3://, "),
        (["two words"], "VIEWS is missing: replay-fetch download VIEWS 'two words', or --sessions FILE"),
        (["--sessions", "a.csv", "b.csv", "out"], "--sessions a.csv names a list, and 'b.csv' another"),
        (["a.csv", "b.csv", "out"], "'a.csv' is neither a session id nor a replay link"),
        (["nosuch.csv", "out"], "nosuch.csv: there is no such file"),
        (["1f46e825", "out"], "'1f46e825' is no file, and as a session id it is cut short: give all its 36 characters"),
        (["ana@shop.example", "out"], "are found by: replay-fetch discover --user ana@shop.example --since 30d"),
        (
            ["https://app.datadoghq.com/rum/sessions/x", "out"],
            "is a web address, but no replay link: those read https://",
        ),
        (["https%3A%2F%2Fb", "1f46e825-067f-4850-9b0a-58b0ef0c14f1", "out"], "is a web address, but no replay link"),
    ],
)
def test_a_list_that_is_not_named_rightly_ends_with_2(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "views.csv").touch()
    done = run_here("download", *words)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
