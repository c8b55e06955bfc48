"""The player's page as a file: what stands in it, who may read it, and what is said where there is none."""

from __future__ import annotations

import base64
import hashlib
import re
import stat
from pathlib import Path

import pytest
from made_archives import START, ended, meta, segment, write_archive
from player_pages import elements, index_of, page_of, unpacked
from recorded_pages import VIEW_END, Author, at, opened, samples

from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.model import Outcome
from replay_fetch.named_file import NamedFile
from replay_fetch.player.library import load_rrweb
from replay_fetch.player.page import slim
from replay_fetch.player.session_page import WantedPage, play
from replay_fetch.progress.archive_snapshot import CopySnapshot
from replay_fetch.progress.units import size
from replay_fetch.settings import Compression
from replay_fetch.timestamps import iso

SHOP, CHECKOUT, TABS = "963b6daa", "1f46e825", "94700fd5"
PAGE_BYTES = 330_000


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return samples(tmp_path / "archive", SHOP, TABS)


def test_the_policy_names_the_two_scripts_by_their_hashes_and_lets_nothing_else_through(archive: Path) -> None:
    page = page_of(archive, SHOP)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(scripts) == 2
    policy = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page)[0]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == " ".join(f"'sha256-{found}'" for found in hashes)
    assert rules["img-src"] == "data: blob:"
    assert {rules[name] for name in ("connect-src", "frame-src", "object-src", "base-uri", "form-action")} == {"'none'"}


def test_the_policy_stands_before_all_that_it_governs(archive: Path) -> None:
    page = page_of(archive, SHOP)
    assert page.index("Content-Security-Policy") < min(page.index("<style"), page.index("<script"), page.index("<link"))


def test_the_page_refers_to_nothing_outside_itself(archive: Path) -> None:
    page = page_of(archive, SHOP)
    markup = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    assert re.findall(r'(?:src|href|action)="([^"]*)"', markup) == ["data:,", "#side"]
    assert "sourceMappingURL=rrweb" not in page
    assert "sourceMappingURL=style" not in page


def test_the_licences_of_the_pages_parts_stand_in_the_page(archive: Path) -> None:
    notices = re.findall(r"<!--(.*?)-->", page_of(archive, SHOP), re.DOTALL)
    assert len(notices) == 1
    assert "Permission is hereby granted, free of charge" in notices[0]
    assert "SmartX Inc." in notices[0]


def test_the_same_archive_gives_the_same_bytes(archive: Path) -> None:
    assert page_of(archive, TABS) == page_of(archive, TABS)


def test_the_page_itself_is_small_beside_the_recording(archive: Path) -> None:
    without_data = re.sub(r'<script type="[^"]+" id="[^"]+">[^<]*</script>', "", page_of(archive, SHOP))
    assert len(without_data.encode()) <= PAGE_BYTES


@pytest.mark.parametrize(
    ("written", "slimmed"),
    [
        ("  if (a === 'x = y') b(c, 'd, e'); // why\n", "if (a === 'x = y') b(c, 'd, e'); // why\n"),
        ("  if (a === 'x = y') b(c, 'd, e');\n// why\n\n", "if(a==='x = y')b(c,'d, e');\n"),
        ("say(`a, ${b}`, 'c');\n", "say(`a, ${b}`, 'c');\n"),
        ("x = '\\', ';\n", "x = '\\', ';\n"),
    ],
)
def test_a_script_loses_spaces_and_lines_of_comment_and_keeps_its_texts(written: str, slimmed: str) -> None:
    assert slim(written) == slimmed


def test_the_page_is_for_its_owners_eyes_only(archive: Path) -> None:
    page_of(archive, SHOP)
    assert stat.S_IMODE((archive.parent / "page.html").stat().st_mode) == 0o600


def test_every_view_of_the_session_stands_in_the_index_and_those_without_a_recording_say_why(archive: Path) -> None:
    index = index_of(page_of(archive, TABS))
    assert [bool(view["chunks"]) for view in index["views"]] == [True, True, True, False]
    assert index["views"][3]["said"] == "no segment of it is stored here (empty)"
    starts = [view["start"] for view in index["views"][:3]]
    assert starts == sorted(starts)


def test_chunks_begin_with_a_checkpoint_and_follow_each_other(archive: Path) -> None:
    page = page_of(archive, SHOP)
    held = elements(page)
    for view in index_of(page)["views"]:
        assert [start for start, _ in view["chunks"]] == sorted(start for start, _ in view["chunks"])
        for start, name in view["chunks"]:
            events = unpacked(held[name])
            assert {event["type"] for event in events[:3]} >= {4, 2}
            assert start == events[0]["timestamp"]
            assert view["end"] >= events[-1]["timestamp"]


def test_with_view_only_that_view_is_read(archive: Path) -> None:
    every = index_of(page_of(archive, TABS))["views"]
    one = index_of(page_of(archive, TABS, "--view", every[1]["id"][:6]))["views"]
    assert [view["id"] for view in one] == [every[1]["id"]]


@pytest.mark.parametrize(
    ("at_text", "after_ms"), [("+2s", 2_000), ("3.5", 3_500), ("+0m4s", 4_000), ("+1h", None), ("+1m30s", None)]
)
def test_at_says_where_the_page_opens(archive: Path, at_text: str, after_ms: int | None) -> None:
    index = index_of(page_of(archive, SHOP, "--at", at_text))
    start, end = index["views"][0]["start"], max(view["end"] for view in index["views"])
    assert index["open"]["at"] == (end if after_ms is None else start + after_ms)
    view = index["views"][index["open"]["view"]]
    assert view["start"] <= index["open"]["at"] <= view["end"]


def test_at_takes_an_iso_time_too(archive: Path) -> None:
    index = index_of(page_of(archive, SHOP))
    start = index["views"][1]["start"]
    assert index_of(page_of(archive, SHOP, "--at", iso(start + 1_000)))["open"] == {"view": 1, "at": start + 1_000}


@pytest.mark.parametrize(("at", "edge"), [("2001-01-01", "beginning"), ("+1h", "end")])
def test_play_at_a_time_outside_of_the_recording_names_the_times_that_are_in_it(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], at: str, edge: str
) -> None:
    views = index_of(page_of(archive, SHOP))["views"]
    start, end = views[0]["start"], max(view["end"] for view in views)
    capsys.readouterr()
    assert main(["play", str(archive), SHOP, "--at", at, "--html", str(tmp_path / "page.html")]) == 0
    told = f"outside of the recording, which goes from {iso(start)} to {iso(end)}: the page opens at the {edge}\n"
    assert told in capsys.readouterr().err
    assert main(["play", str(archive), SHOP, "--at", iso(end), "--html", str(tmp_path / "page.html")]) == 0
    assert capsys.readouterr().err == ""


def test_an_at_that_is_no_time_is_refused(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", str(archive), SHOP, "--at", "soon"]) == 2
    assert "--at 'soon' is no time; write 90, 1:30 or +1m30s" in capsys.readouterr().err


def test_a_temporary_page_is_named_and_no_browser_opened_with_no_open(
    archive: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("webbrowser.open", lambda _: pytest.fail("a browser was opened"))
    assert main(["play", str(archive), SHOP, "--no-open"]) == 0
    file = Path(capsys.readouterr().out.splitlines()[0])
    assert (file.name, file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (
        f"session-{SHOP}.html",
        0o600,
        0o700,
    )


def test_without_html_the_temporary_page_is_opened(
    archive: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("webbrowser.open", asked.append)
    assert main(["play", str(archive), SHOP]) == 0
    said = capsys.readouterr()
    assert asked == [Path(said.out.splitlines()[0]).as_uri()]
    assert "no browser could be opened" in said.err


def test_a_compressed_archive_gives_the_same_page(tmp_path: Path) -> None:
    pages = []
    for compression in Compression:
        folder = tmp_path / str(compression)
        folder.mkdir()
        pages.append(page_of(samples(folder / "archive", SHOP, compression=compression), SHOP))
    assert pages == [pages[0]] * 3


def test_progress_of_a_page_that_takes_its_time_is_told(archive: Path, tmp_path: Path) -> None:
    class Shown:
        period = 0.0

        def __init__(self) -> None:
            self.told: list[str] = []

        def refresh(self, snapshot: object) -> None:
            assert isinstance(snapshot, CopySnapshot)
            self.told.append(", ".join(snapshot.words()))
            assert snapshot.fields()["bytes_total"] == snapshot.total

        close = refresh

    shown = Shown()
    played = play(DiskShelf(archive), WantedPage(SHOP, html=NamedFile("--html", tmp_path / "page.html")), shown)
    assert shown.told[-1] == f"69.2 kB of 69.2 kB read, {size(played.size)} written"
    assert len(shown.told) > 3


# What cannot be played.


def test_a_session_without_a_picture_ends_with_1_and_says_of_each_view_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    headless = segment(0, records=[meta("https://shop.example/cart")], has_full_snapshot=False)
    archive = write_archive(
        tmp_path / "archive", {("s1", "v1"): [headless]}, [ended("s1", "v2", Outcome.FAILED, "503")]
    )
    target = tmp_path / "page.html"
    target.write_text("an older page")
    assert main(["play", str(archive), "s1", "--html", str(target)]) == 1
    error = capsys.readouterr().err.replace("\n", " ")
    assert "view v1: no full snapshot of its page arrived" in error
    assert "view v2: no segment of it is stored here (503)" in error
    assert target.read_text() == "an older page"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["page.html"]


def test_a_session_that_is_not_there_ends_with_2(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", str(archive), "nobody"]) == 2
    assert "no session in" in capsys.readouterr().err


def test_a_view_that_is_not_there_ends_with_2(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", str(archive), SHOP, "--view", "zz"]) == 2
    assert "no view of the session 963b6daa" in capsys.readouterr().err


def test_a_damaged_session_file_ends_with_3_and_leaves_no_page(tmp_path: Path) -> None:
    archive = samples(tmp_path / "archive", SHOP)
    file = next((archive / "sessions").iterdir())
    file.write_bytes(file.read_bytes().replace(b'"segment"', b'"segmint"'))
    assert main(["play", str(archive), SHOP, "--html", str(tmp_path / "page.html")]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_folder_as_html_is_refused(archive: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["play", str(archive), SHOP, "--html", str(tmp_path)]) == 2
    assert "it is a folder, and must be a file" in capsys.readouterr().err


# rrweb, packed or not.


def test_without_rrweb_play_ends_with_2_and_names_the_way_out(
    archive: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("replay_fetch.player.library.PACKED", tmp_path / "nothing")
    assert main(["play", str(archive), SHOP]) == 2
    error = capsys.readouterr().err.replace("\n", " ")
    assert "npm pack rrweb@2.2.2" in error
    assert "--rrweb-js package/dist/rrweb.umd.min.cjs" in error


def test_rrweb_js_is_taken_with_the_style_beside_it(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "rrweb.umd.min.cjs").write_text("var rrweb = {Replayer: 1};\n//# sourceMappingURL=gone.map\n")
    (tmp_path / "style.min.css").write_text(".own-style{}\n/*# sourceMappingURL=gone.map*/")
    page = page_of(archive, SHOP, "--rrweb-js", str(tmp_path / "rrweb.umd.min.cjs"))
    assert "var rrweb = {Replayer: 1};" in page
    assert ".own-style{}" in page
    assert "gone.map" not in page


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("alert(1)", "is not rrweb's browser build"),
        ("Replayer </SCRIPT>", "is not rrweb's browser build"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_not_rrweb_is_refused(
    archive: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, script: str | None, said: str
) -> None:
    file = tmp_path / "other.js"
    if script is not None:
        file.write_text(script)
        (tmp_path / "style.min.css").write_text("")
    assert main(["play", str(archive), SHOP, "--rrweb-js", str(file)]) == 2
    assert said in capsys.readouterr().err


def test_the_packed_rrweb_is_the_pinned_version() -> None:
    script, style = load_rrweb(None)
    assert "Replayer" in script
    assert ".replayer-wrapper" in style


# What strangers wrote.


def test_no_text_of_a_stranger_ends_an_element_of_the_page(tmp_path: Path) -> None:
    author = Author()
    evil = "</script><script>alert(1)</script><!--\ud83d\u2028"
    button = author.element("button", {"aria-label": evil}, author.text(evil))
    records = [
        at(0, opened(f"https://x/{evil}")),
        at(0, author.page(button)),
        at(1, {"type": 3, "data": {"source": 2, "type": 2, "id": button["id"], "x": 1, "y": 1}}),
        at(2, VIEW_END),
    ]
    archive = write_archive(tmp_path / "archive", {("s", "v"): [segment(records=records)]})
    page = page_of(archive, "s")
    assert page.count("<script>") == 2
    assert "alert(1)</script>" not in page
    assert "alert(1)" in index_of(page)["actions"][0][3]


def test_the_recordings_own_time_is_the_indexs(tmp_path: Path) -> None:
    author = Author()
    records = [at(0.5, opened()), at(0.5, author.page(author.text("hello"))), at(4, VIEW_END)]
    archive = write_archive(tmp_path / "archive", {("s", "v"): [segment(records=records, end=4.0)]})
    view = index_of(page_of(archive, "s"))["views"][0]
    assert (view["start"] - START, view["end"] - START, view["ended"]) == (500, 4_000, True)
