"""What an archive shows of itself: the list of its sessions, and one session's timeline."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_archives import START, click, ended, meta, segment, write_archive

from replay_fetch.cli import main
from replay_fetch.cli.session_text import lane, session_text
from replay_fetch.inspect.timeline import ShownView, Stretch
from replay_fetch.model import Outcome, PlannedView, View, ViewRecord, Warnings
from replay_fetch.settings import Compression

SHOP = {
    ("aaaa1111-shop", "v1"): [
        segment(0, 0, 5, [meta("https://shop.example/cart"), click(1.0), click(1.1)]),
        segment(2, 60, 100, [click(99)]),
    ],
    ("aaaa1111-shop", "v2"): [segment(0, 100, 110, [meta("https://shop.example/pay", 100)])],
    ("bbbb2222-help", "v1"): [segment(0, 7200, 7205, [meta("https://shop.example/help", 7200)], source="ios")],
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "archive", SHOP, [ended("cccc3333", "v9", Outcome.FAILED, "503, eight times")])


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["show", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_the_list_tells_of_every_session_newest_first(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, shop).splitlines()
    assert lines[0].endswith("3 sessions, 4 views, 4 segments, 1.7 kB, from 2023-11-14 to 2023-11-15")
    assert lines[1] == f"not finished: 1 view, see `replay-fetch status {shop}`"
    assert [line.split()[0] for line in lines[4::2]] == ["bbbb2222", "aaaa1111", "cccc3333"]
    assert lines[5::2] == [
        "  ios, shop.example/help",
        "  1 to note, browser, shop.example/cart, shop.example/pay",
        "  1 unfinished, no segment of it is stored here",
    ]


def test_no_line_is_wider_than_the_terminal(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in (80, 100):
        monkeypatch.setenv("COLUMNS", str(columns))
        for arguments in ([shop], [shop, "aaaa"]):
            assert max(map(len, shown(capsys, *arguments).splitlines()[2:])) <= columns


def test_sessions_past_the_limit_are_counted(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, shop, "--limit", 1)
    assert "bbbb2222" in text
    assert "aaaa1111" not in text
    assert "2 older sessions are not shown" in text


def test_programs_get_every_session_in_the_order_of_the_archive(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in shown(capsys, shop, "--json").splitlines()]
    assert [row["session_id"] for row in rows] == ["aaaa1111-shop", "bbbb2222-help", "cccc3333"]
    assert rows[0]["seconds"] == 110.0
    assert (rows[0]["views"], rows[0]["segments"], rows[0]["records"], rows[0]["noted"]) == (2, 3, 5, 1)
    assert (rows[0]["sdk"], rows[0]["pages"]) == (None, None)
    assert [row["session_id"] for row in csv.DictReader(shown(capsys, shop, "--csv").splitlines())] == [
        row["session_id"] for row in rows
    ]


def test_the_list_is_made_of_the_manifest_alone(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (shop / "sessions").iterdir():
        file.unlink()
    assert len(shown(capsys, shop, "--csv").splitlines()) == 4


@pytest.mark.parametrize("compression", Compression)
def test_pages_and_sdk_are_read_on_request(
    compression: Compression, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = write_archive(tmp_path / "archive", SHOP, compression=compression)
    row = json.loads(shown(capsys, archive, "--json", "--pages").splitlines()[0])
    assert (row["sdk"], row["pages"]) == ("browser", ["https://shop.example/cart", "https://shop.example/pay"])


def test_a_session_shows_its_views_with_gaps_and_idle_time(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, shop, "aaaa").splitlines()
    assert lines[0] == "session aaaa1111-shop"
    assert lines[1].startswith("2023-11-14 22:13:20 UTC, 1 min 50 s, browser, 2 views, 3 segments, ")
    assert lines[1].endswith("idle 39 s, gaps: 1")
    assert lines[4] == "  1 v1        fetched        1 min 40 s  https://shop.example/cart"
    assert lines[5] == "    gaps: segment 1 never came"
    timeline = lines[6]
    assert timeline.startswith("    ▂···????????????????")
    assert timeline.endswith("·▁·")


def test_a_session_is_shown_as_json_for_programs(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = json.loads(shown(capsys, shop, "aaaa1111-shop", "--json"))
    assert session["record_types"] == {"3": 3, "4": 2}
    first = session["views"][0]
    assert (first["url"], first["actions"], first["idle_seconds"]) == ("https://shop.example/cart", 3, 39.0)
    assert first["gaps"] == [[START + 5_000, START + 60_000]]
    assert len(shown(capsys, shop, "aaaa1111-shop", "--csv").splitlines()) == 3


def test_other_sessions_are_not_read_for_one(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "sessions/bbbb2222-help.ndjson").unlink()
    assert "session aaaa1111-shop" in shown(capsys, shop, "aaaa1111-shop")


def test_a_session_id_that_begins_another_one_means_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = write_archive(tmp_path / "archive", {("ab", "v"): [segment()], ("abc", "v"): [segment()]})
    assert shown(capsys, archive, "ab").startswith("session ab\n")
    assert main(["show", str(archive), "a"]) == 2
    assert "2 sessions in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{archive}", "zz"], 2, "no session in"),
        (["{archive}", "--limit", "-1"], 2, "--limit must be 0 or more"),
        (["{archive}/sessions"], 3, "is not an archive"),
    ],
)
def test_a_mistake_in_the_arguments_of_show_is_named_with_its_exit_code(
    arguments: list[str], code: int, message: str, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", *(argument.format(archive=shop) for argument in arguments)]) == code
    assert message in capsys.readouterr().err


def test_a_damaged_manifest_is_named_with_its_line(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (shop / "manifest.ndjson").open("ab") as manifest:
        manifest.write(b"{}\n")
    assert main(["show", str(shop)]) == 3
    assert "manifest.ndjson, line 5" in capsys.readouterr().err


def test_strangers_text_moves_no_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "https://x/\x1b[2J\n\u202e\ud83d"
    archive = write_archive(tmp_path / "archive", {("s", "v"): [segment(records=[meta(evil)], source="\x1b[31m")]})
    for arguments in ([archive], [archive, "s"]):
        assert set("\x1b\u202e").isdisjoint(shown(capsys, *arguments))
    assert json.loads(shown(capsys, archive, "s", "--json"))["views"][0]["url"] == evil.replace("\ud83d", "\ufffd")


def test_strangers_text_is_no_formula_in_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "=HYPERLINK(1)\x1b[2J\u202e"
    archive = write_archive(
        tmp_path / "archive", {("-s", "-v"): [segment(records=[meta(evil)], source="@SUM(1)\x1b[31m")]}
    )
    [view] = csv.DictReader(shown(capsys, "--csv", "--", archive, "-s").splitlines())
    assert (view["session_id"], view["view_id"]) == ("-s", "-v")
    assert (view["url"], view["sdk"]) == ("%3DHYPERLINK(1)%1B[2J%E2%80%AE", "%40SUM(1)%1B[31m")
    text = shown(capsys, archive, "--csv", "--pages")
    assert set("\x1b\u202e").isdisjoint(text)
    [session] = csv.DictReader(text.splitlines())
    assert session["sdk"] == "%40SUM(1)%1B[31m"
    assert json.loads(session["pages"]) == ["=HYPERLINK(1)\x1b[2J%E2%80%AE"]


@settings(max_examples=50)
@given(
    st.integers(1, 200),
    st.integers(0, 2**45),
    st.integers(0, 2**40),
    st.lists(st.integers(0, 2**53), max_size=20),
)
def test_a_lane_is_never_wider_than_asked(width: int, start: int, length: int, by_hand: list[int]) -> None:
    over = Stretch(start, start + length)
    view = ShownView(ViewRecord(PlannedView(0, 0, View("s", "v"))), span=over, gaps=[over], by_hand=by_hand)
    assert len(lane(view, over, width)) <= width


def test_every_kind_of_lack_in_a_recording_is_a_line_under_its_view(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = ViewRecord(
        PlannedView(0, 0, View("s", "v")), Outcome.FETCHED, warnings=Warnings([1], [2], lacks_full_snapshot=True)
    )
    assert session_text([ShownView(lacking)], 200).splitlines() == [
        "session s",
        "no segment of it is stored here",
        "  1 v         fetched                 -",
        "    gaps: segment 1 never came",
        "    repeats: segment 2 came again",
        "    no full snapshot at its start: a player has nothing to begin with",
    ]
    archive = write_archive(tmp_path / "archive", {}, [ended("cccc3333", "v9", Outcome.FAILED, "503")])
    assert shown(capsys, archive, "cccc").splitlines()[1] == "no segment of it is stored here"


def test_a_time_that_no_calendar_has_is_shown_as_its_number() -> None:
    view = ShownView(
        ViewRecord(PlannedView(0, 0, View("s", "v")), Outcome.FETCHED), span=Stretch(10**17, 10**17 + 1000)
    )
    assert session_text([view], 80).splitlines()[1].startswith(f"{10**17} UTC, 1.0 s, 1 view, ")
