"""``transcript``, ``snapshot`` and ``export --rrweb``: recordings out of an archive, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_archives import ended, write_archive
from made_recordings import START, click, element, end, full, full_change, increment, meta, mutation, segment, text
from player_pages import index_of, page_of
from rrweb_page import RrwebPage

from replay_fetch.archive.layout import Layout
from replay_fetch.cli import main
from replay_fetch.errors import SettingsError
from replay_fetch.model import Outcome
from replay_fetch.replay.rrweb import Event
from replay_fetch.settings import Compression
from replay_fetch.timestamps import place_ms

PAGE = full(element(5, "button", {"id": "pay"}, text(6, "Pay")), element(7, "p", {}, text(8, "before")))
FIRST = segment(meta(), PAGE, click(6, 1200), mutation(at=2000, texts={"8": "after"}), until=3000)
LAST = segment(increment(3, 4000, id=0, x=0, y=90), end(65_300), index=1, start=4000, until=66_000)
LATER = segment(meta("https://shop.example/thanks", 70_000), full_change([1, "#text", "Thanks"], at=70_000),
                start=70_000, until=71_000)  # fmt: skip
VIEWS = {
    ("aaaa1111", "v2"): [LATER],
    ("aaaa1111", "v1"): [FIRST, LAST, LAST],
    ("aaaa1111", "v3"): [segment(click(5, 10), start=90_000)],
    ("bbbb2222", "v1"): [FIRST],
}


EARLY = (
    "view v1: no page had been recorded at 2001-01-01T00:00:00.000Z; the recording begins at 2023-11-14T22:13:20.000Z"
)


@pytest.fixture(params=Compression)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    failed = ended("cccc3333", "v9", Outcome.FAILED, "503, eight times")
    return write_archive(tmp_path / "archive", VIEWS, [failed], request.param)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "archive", VIEWS, [ended("cccc3333", "v9", Outcome.FAILED, "503, eight times")])


def ran(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([*map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_transcript_tells_the_views_in_order_of_time(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, warned = ran(capsys, "transcript", archive, "aaaa")
    assert code == 0
    assert (
        said
        == """\
session aaaa1111

view v1, 2023-11-14T22:13:20.000Z, 1 min 5 s, 5 lines
      0:00.0  page          https://shop.example/ (800 x 600)
      0:01.2  click         button "Pay"
      0:04.0  scroll        page to 90 px
      0:04.0  idle          nobody did anything, 1 min 1 s
      1:05.3  end           the view ended
  seen down to 690 px of the page

view v2, 2023-11-14T22:14:30.000Z, 0.0 s, 2 lines
      0:00.0  page          https://shop.example/thanks (800 x 600)
      0:00.0  cut           the recording stops here; its end never arrived

view v3, 2023-11-14T22:13:20.010Z, 0.0 s, 1 line
      0:00.0  cut           the recording stops here; its end never arrived
  not used: an interaction with an unknown node (1)
"""
    )
    assert warned == "replay-fetch: view v3: no full snapshot of its page arrived (1 segment is there)\n"


def test_a_transcript_for_programs_is_one_action_a_line(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = ran(capsys, "transcript", plain, "aaaa1111", "--view", "v1", "--json")
    assert code == 0
    actions: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]  # Any: JSON
    assert [action["kind"] for action in actions] == ["page", "click", "scroll", "idle", "end"]
    assert actions[1] == {
        "session_id": "aaaa1111",
        "view_id": "v1",
        "at": "2023-11-14T22:13:21.200Z",
        "at_ms": START + 1200,
        "until_ms": None,
        "kind": "click",
        "text": 'button "Pay"',
        "label": "Pay",
        "selector": "button#pay",
        "value": None,
        "x": 5,
        "y": 6,
        "by": "record",
    }
    assert ran(capsys, "transcript", plain, "aaaa1111", "--view", "v1", "--json")[1] == said


@pytest.mark.parametrize(
    ("at", "shown"),
    [("0", "before"), ("+1.9s", "before"), ("2", "after"), ("+0m2s", "after"), ("2023-11-14T22:13:21Z", "before")],
)
def test_a_snapshot_is_the_page_of_its_time(
    at: str, shown: str, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, page, warned = ran(capsys, "snapshot", archive, "aaaa", "--view", "v1", "--at", at)
    assert (code, warned) == (0, "")
    assert page.endswith(f'<body><button id="pay">Pay</button><p>{shown}</p></body></html>\n')


def test_a_snapshot_for_programs_is_an_object_that_holds_the_page(
    plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("snapshot", plain, "aaaa", "--view", "v1", "--at", "2.5")
    _, page, _ = ran(capsys, *words)
    code, said, _ = ran(capsys, *words, "--json")
    shown = json.loads(said)
    assert (code, shown["html"]) == (0, page)
    assert (shown["view_id"], shown["at"]) == ("v1", "2023-11-14T22:13:22.500Z")


def test_a_snapshot_behind_the_end_says_so(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, page, warned = ran(capsys, "snapshot", plain, "aaaa", "--view", "v1", "--at", "+9h")
    assert (code, "after" in page) == (0, True)
    assert warned.endswith("the recording ends at 2023-11-14T22:14:25.300Z: this is the page as it stood then\n")
    # The page names the time at which it stood so, and not the one that was asked for.
    assert ran(capsys, "snapshot", plain, "aaaa", "--view", "v1", "--at", "2023-11-14T22:14:25.300Z")[1] == page


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["cccc", "--view", "v9", "--at", "0"], "view v9: no segment of it is stored here (503, eight times)"),
        (["aaaa", "--view", "v3", "--at", "5"], "view v3: no full snapshot of its page arrived (1 segment is there)"),
        (["aaaa", "--view", "v1", "--at", "2001-01-01"], EARLY),
    ],
)
def test_a_snapshot_of_no_page_says_why_and_ends_with_1(
    words: list[str], why: str, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(capsys, "snapshot", plain, *words) == (1, "", f"replay-fetch: {why}\n")


def test_a_transcript_of_nothing_ends_with_1(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, warned = ran(capsys, "transcript", plain, "cccc", "--json")
    assert (code, said) == (1, "")
    assert warned == "replay-fetch: view v9: no segment of it is stored here (503, eight times)\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["transcript", "zzzz"], "no session in"),
        (["transcript", "aaaa", "--view", "v"], "3 views of the session aaaa in"),
        (["snapshot", "aaaa", "--view", "v7", "--at", "1"], "no view of the session aaaa in"),
        (["snapshot", "aaaa", "--view", "v1", "--at", "soon"], "--at 'soon' is no time"),
        (["export"], "export needs --parquet FOLDER, --rrweb FOLDER or both"),
        (["export", "aaaa", "--parquet", "x"], "a SESSION is for --rrweb FOLDER"),
    ],
)
def test_a_mistake_ends_with_2(words: list[str], why: str, plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, warned = ran(capsys, words[0], plain, *words[1:])
    assert (code, said) == (2, "")
    assert why in warned


_LINK = "https://app.datadoghq.eu/rum/replay/sessions/{}?seed=v2"


@pytest.mark.parametrize("named", ["AAAA", "aaaa1111.", " `aaaa1111` ", _LINK.format("aaaa1111"), "aaaa1111"])
def test_a_session_is_named_by_its_id_in_any_case_or_by_a_link(
    named: str, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = ran(capsys, "transcript", plain, "aaaa1111")
    assert whole[1].startswith("session aaaa1111\n")
    assert ran(capsys, "transcript", plain, named) == whole
    assert ran(capsys, "transcript", plain, named, "--view", "V2") == ran(
        capsys, "transcript", plain, "aaaa1111", "--view", "v2"
    )
    assert ran(capsys, "export", plain, "--rrweb", tmp_path / "e", named)[0] == 0
    assert [path.name for path in (tmp_path / "e").iterdir()] == ["aaaa1111"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["v9"], "begins with 'v9'; the view v9 does, of session cccc3333; `replay-fetch show {}` lists them"),
        (["zzzz"], "begins with 'zzzz'; `replay-fetch show {}` lists them"),
        ([_LINK.format("zzzz")], "begins with 'zzzz'; `replay-fetch show {}` lists them"),
        ([_LINK.format("%2e%2e")], "SESSION: replay link: the id '..' has a character outside"),
        (["aaaa", "--view", "x"], "session aaaa in {place} begins with 'x'; `replay-fetch show {} aaaa` lists them"),
    ],
)
def test_a_session_that_is_not_there_is_told_with_a_command_that_works_as_it_stands(
    words: list[str], said: str, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = plain.rename(tmp_path / "two words")
    code, _, warned = ran(capsys, "transcript", place, *words)
    assert code == 2
    assert said.format(f"'{place}'", place=place) in warned


def test_an_archives_recordings_become_a_file_of_events_a_view(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, warned = ran(capsys, "export", archive, "--rrweb", tmp_path / "new" / "events", "-q")
    assert code == 0
    files = sorted(path.relative_to(tmp_path / "new/events").as_posix() for path in (tmp_path / "new").rglob("*.*"))
    assert files == ["aaaa1111/v1.json", "aaaa1111/v2.json", "bbbb2222/v1.json"]
    assert said.startswith(f"{tmp_path}/new/events  3 views, ")
    assert warned == (
        "replay-fetch: view v3: no full snapshot of its page arrived (1 segment is there)\n"
        "replay-fetch: view v9: no segment of it is stored here (503, eight times)\n"
    )
    file = tmp_path / "new/events/aaaa1111/v1.json"
    assert file.stat().st_mode & 0o777 == 0o600
    told = json.loads(file.read_bytes())
    assert [event["type"] for event in told] == [4, 2, 3, 3, 3, 5]
    page = RrwebPage().play(Event(event["timestamp"], json.dumps(event).encode()) for event in told)
    assert page.nodes[9].source["textContent"] == "after"


def test_events_of_some_sessions_are_those_alone(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(capsys, "export", plain, "--rrweb", tmp_path / "e", "bbbb", "aaaa1111")[0] == 0
    assert sorted(path.name for path in (tmp_path / "e").iterdir()) == ["aaaa1111", "bbbb2222"]
    assert ran(capsys, "export", plain, "bbbb", "--rrweb", tmp_path / "f")[0] == 0
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["bbbb2222"]
    assert ran(capsys, "export", plain, "--rrweb", tmp_path / "g", "bbbb", "zzzz")[0] == 2
    assert not (tmp_path / "g").exists()
    assert ran(capsys, "export", plain, "--rrweb", tmp_path / "h", "cccc")[0] == 1
    # A script that asked for two sessions and has one must not take that for both.
    code, _, warned = ran(capsys, "export", plain, "--rrweb", tmp_path / "i", "bbbb", "cccc")
    assert [path.name for path in (tmp_path / "i").iterdir() if any(path.iterdir())] == ["bbbb2222"]
    assert (code, "session cccc3333: no file was written" in warned) == (1, True)


def test_the_same_archive_gives_the_same_events(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        assert ran(capsys, "export", plain, "--rrweb", tmp_path / name)[0] == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "one").rglob("*.json")}
    assert {path.name: path.read_bytes() for path in (tmp_path / "two").rglob("*.json")} == first


def test_a_folder_that_is_a_file_is_refused(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "e").write_text("")
    code, _, warned = ran(capsys, "export", plain, "--rrweb", tmp_path / "e")
    assert (code, "is a file; it must be a folder" in warned) == (2, True)


@pytest.fixture
def unfinished(plain: Path) -> Path:
    """The archive, of which one session is not whole yet: what came of it lies in a ``.partial`` file."""
    whole = Layout(plain).session_file("bbbb2222")
    whole.rename(Layout(plain).session_file("bbbb2222", partial=True))
    manifest = plain / "manifest.ndjson"
    told = [json.loads(line) for line in manifest.read_text().splitlines()]
    for line in told:
        if line["session_id"] == "bbbb2222":
            line |= {"outcome": "incomplete", "file": "sessions/bbbb2222.partial.ndjson"}
    manifest.write_text("".join(json.dumps(line) + "\n" for line in told))
    return plain


def test_a_session_that_is_not_whole_yet_is_told_as_far_as_it_goes(
    unfinished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, _ = ran(capsys, "transcript", unfinished, "bbbb", "--json")
    assert (code, [json.loads(line)["kind"] for line in said.splitlines()]) == (0, ["page", "click", "cut"])


def test_a_session_that_is_not_whole_yet_plays_and_says_where_it_stops(unfinished: Path) -> None:
    (view,) = index_of(page_of(unfinished, "bbbb"))["views"]
    assert view["chunks"]
    assert view["endSaid"] == "Recording ends here: this view is not fetched to its end (incomplete)."


def test_a_view_is_read_without_the_rest_of_its_session(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The others' bytes may be damaged."""
    lines = (plain / "manifest.ndjson").read_text().splitlines()
    place = next(json.loads(line) for line in lines if '"v2"' in line)
    file = Layout(plain).session_file("aaaa1111")
    stored = file.read_bytes()
    kept = stored[place["offset"] : place["offset"] + place["length"]]
    file.write_bytes(b"x" * place["offset"] + kept + b"x" * (len(stored) - place["offset"] - place["length"]))
    code, page, _ = ran(capsys, "snapshot", plain, "aaaa", "--view", "v2", "--at", "0")
    assert (code, "Thanks" in page) == (0, True)
    assert ran(capsys, "snapshot", plain, "aaaa", "--view", "v1", "--at", "0")[0] == 3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("0.5", 0.5),
        ("+90", 90),
        ("+90s", 90),
        ("+1m30s", 90),
        ("+2h", 7200),
        ("+1h0m0.25s", 3600.25),
        ("1:30", 90),
        ("0:07.2", 7.2),
        ("1:02:03.4", 3723.4),
        (" 1 ", 1),
    ],
)
def test_a_time_counts_from_the_recordings_start(text: str, seconds: float) -> None:
    assert place_ms(text, START, "--at") == START + seconds * 1000


@pytest.mark.parametrize("text", ["2023-11-14T22:13:21Z", "2023-11-14T23:13:21+01:00", str(START + 1000)])
def test_a_time_may_be_one_of_the_calendar(text: str) -> None:
    assert place_ms(text, START, "--at") == START + 1000


@pytest.mark.parametrize(
    "text", ["", "+", "-5", "1x", "now", "now-1h", "+1s1m", "1:60", "1:5", ":30", "nan", "1e3", "+1.2345s", "٣"]
)
def test_a_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--at .* is no time"):
        place_ms(text, START, "--at")
