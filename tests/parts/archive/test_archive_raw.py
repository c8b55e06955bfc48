"""Raw pages: the body's own bytes, what stood around it, no cookie; found again by their place in a chain."""

from __future__ import annotations

import errno
import json
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest

from replay_fetch.archive.durable import write_file
from replay_fetch.archive.raw import RawPage, RawPages, keep_raw, remove_raw
from replay_fetch.errors import ArchiveError
from replay_fetch.model import Response

BODY = b"\x1f\x8b\x00 whatever it is\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "s" / "v"


def raw(
    number: int = 1,
    body: bytes = BODY,
    headers: dict[str, str] | None = None,
    source: str = "blob",
    token: str | None = None,
) -> RawPage:
    return RawPage(Response(200, headers or {}, body, sent_at=1.0, received_at=2.0), number, source, token)


def test_a_raw_page_is_kept_as_its_body_with_status_and_headers_beside(folder: Path) -> None:
    keep_raw(folder, [raw(headers={"content-type": "text/html", "x-ratelimit-limit": "10"})])
    assert (folder / "0001.body").read_bytes() == BODY
    assert json.loads((folder / "0001.json").read_bytes()) == {
        "status": 200,
        "headers": {"content-type": "text/html", "x-ratelimit-limit": "10"},
        "source": "blob",
        "token": None,
        "page": 1,
    }


@pytest.mark.parametrize("name", ["set-cookie", "www-authenticate", "proxy-authenticate"])
def test_headers_that_may_be_keys_are_not_kept(folder: Path, name: str) -> None:
    keep_raw(folder, [raw(headers={name: "secret", "etag": "1"})])
    about = (folder / "0001.json").read_bytes()
    assert json.loads(about)["headers"] == {"etag": "1"}
    assert b"secret" not in about


def test_a_page_takes_the_place_of_an_earlier_one_of_its_number(folder: Path) -> None:
    keep_raw(folder, [raw(1, b"1"), raw(3, b"3, and long")])
    keep_raw(folder, [raw(3, b"3")])
    assert {path.name: path.read_bytes() for path in folder.glob("*.body")} == {"0001.body": b"1", "0003.body": b"3"}


def test_the_old_description_is_gone_from_the_disk_before_the_body_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a power cut it would else tell of a body that is half written."""
    keep_raw(folder, [raw(1, b"1")])
    order: list[tuple[str, bool]] = []

    def synced(path: Path) -> None:
        order.append(("synced", (path / "0001.json").exists()))

    def written(path: Path, blocks: Iterable[bytes]) -> None:
        order.append((path.name, (folder / "0001.json").exists()))
        write_file(path, blocks)

    monkeypatch.setattr("replay_fetch.archive.raw.sync_folder", synced)
    monkeypatch.setattr("replay_fetch.archive.raw.write_file", written)
    keep_raw(folder, [raw(1, b"2")])
    assert order == [("synced", False), ("0001.body", False), ("0001.json", False), ("synced", True)]


def numbers(folder: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.body"))}


def test_a_page_of_another_source_overwrites_none_and_has_the_same_number_every_time(folder: Path) -> None:
    """Also where the run is killed anywhere, and the pages come again."""
    recent = raw(1, b"recent", source="event_platform")
    old = [raw(1, b"old 1"), raw(2, b"old 2", token="t")]  # noqa: S106 - a paging token
    expected = {"0001": b"recent", "0002": b"old 1", "0003": b"old 2"}
    keep_raw(folder, [recent, *old])
    assert numbers(folder) == expected
    keep_raw(folder, [recent, *old])
    assert numbers(folder) == expected
    for half in (b"", b'{"status": 2', None):
        (folder / "0002.json").write_bytes(half or b"")
        if half is None:
            (folder / "0002.json").unlink()
        keep_raw(folder, [recent, *old])
        assert numbers(folder) == expected
    pages = RawPages(folder)
    assert [pages.find(source, None) for source in ("event_platform", "blob")] == [1, 2]


def test_an_answer_that_is_there_already_is_not_kept_again_where_a_finished_view_is_asked_for_again(
    folder: Path,
) -> None:
    """So a refresh that is killed and repeated keeps what one that was not keeps."""
    keep_raw(folder, [raw(1, b"same"), raw(2, b"old", token="t")])  # noqa: S106 - a paging token
    later = [raw(3, b"same"), raw(4, b"new", token="t")]  # noqa: S106 - a paging token
    for _ in range(2):
        keep_raw(folder, [page._replace(again=True) for page in later])
        assert numbers(folder) == {"0001": b"same", "0002": b"old", "0004": b"new"}


def test_a_page_of_an_older_archive_is_known_by_its_number(folder: Path) -> None:
    keep_raw(folder, [raw(2, b"old")])
    about = json.loads((folder / "0002.json").read_bytes())
    del about["page"]
    (folder / "0002.json").write_text(json.dumps(about))
    keep_raw(folder, [raw(2, b"new"), raw(2, b"another", source="event_platform")])
    assert numbers(folder) == {"0001": b"another", "0002": b"new"}


def test_a_body_that_is_half_written_is_not_told_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_raw(folder, [raw()])

    def breaks(path: Path, chunks: list[bytes]) -> int:
        path.write_bytes(chunks[0][:4])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("replay_fetch.archive.raw.write_file", breaks)
    with pytest.raises(ArchiveError):
        keep_raw(folder, [raw()])
    assert RawPages(folder).find("blob", None) is None


def test_keeping_no_raw_page_makes_no_folder(folder: Path) -> None:
    keep_raw(folder, [])
    assert not folder.exists()


def test_raw_pages_are_readable_by_their_user_alone(folder: Path) -> None:
    keep_raw(folder, [raw()])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {"v": 0o700, "0001.body": 0o600, "0001.json": 0o600}


def test_a_page_is_found_by_its_place_and_comes_back_as_it_was(folder: Path) -> None:
    keep_raw(folder, [raw(1, b"first", {"etag": "1"}), raw(2, b"second", token="t/=+")])  # noqa: S106 - a paging token
    pages = RawPages(folder)
    numbers = [pages.find("blob", None), pages.find("blob", "t/=+"), pages.find("blob", "t"), pages.find("other", None)]
    assert numbers == [1, 2, None, None]
    assert pages.answer(1) == Response(200, {"etag": "1"}, b"first")


def test_of_two_answers_for_one_place_the_later_one_counts(folder: Path) -> None:
    keep_raw(folder, [raw(1, b"old"), raw(2, b"new")])
    assert RawPages(folder).find("blob", None) == 2


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"source":"blob"}', b'{"source":"","token":null}'])
def test_a_page_of_unknown_place_is_passed_over(folder: Path, damage: bytes) -> None:
    keep_raw(folder, [raw(1, b"good"), raw(2, b"bad", source="other")])
    (folder / "0002.json").write_bytes(damage)
    pages = RawPages(folder)
    assert (pages.find("blob", None), pages.find("other", None)) == (1, None)


def test_raw_pages_that_are_understood_leave_no_folder_behind(folder: Path) -> None:
    keep_raw(folder, [raw()])
    remove_raw(folder)
    assert not folder.parent.parent.exists()
    remove_raw(folder)


def test_other_views_keep_their_pages(folder: Path) -> None:
    other = folder.with_name("w")
    for one in (folder, other):
        keep_raw(one, [raw()])
    remove_raw(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["w"]
