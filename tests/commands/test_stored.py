"""The commands that read an archive, of one in an object store: the same words as of the same archive on a disk."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import obstore
import pytest
from made_archives import ended, write_archive
from made_recordings import click, element, end, full, increment, meta, mutation, segment, text
from memory_stores import body
from obstore.store import MemoryStore
from stored_archives import URL, Ranged, put, serve, upload

from replay_fetch.cli import main
from replay_fetch.model import Outcome
from replay_fetch.settings import Compression
from replay_fetch.store import shelf as module
from replay_fetch.store.failures import Fault, judge
from replay_fetch.store.location import parse
from replay_fetch.store.shelf import StoreShelf

PAGE = full(element(5, "button", {"id": "pay"}, text(6, "Pay")), element(7, "p", {}, text(8, "before")))
ONE = segment(meta(), PAGE, click(6, 1200), mutation(at=2000, texts={"8": "after"}), until=3000)
TWO = segment(increment(3, 4000, id=0, x=0, y=90), end(65_300), index=1, start=4000, until=66_000)
VIEWS = {("aaaa1111", "v1"): [ONE, TWO], ("aaaa1111", "v2"): [ONE], ("bbbb2222", "v1"): [ONE]}
FAILED = ended("cccc3333", "v9", Outcome.FAILED, "503, eight times")


@pytest.fixture(params=[Compression.NONE, Compression.ZSTD], ids=str)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An archive as somebody copies it: manifest, sessions and report, without what is ours."""
    out = write_archive(tmp_path / "season", VIEWS, [FAILED], request.param)
    (out / ".replay-fetch" / "tmp").rmdir()
    (out / ".replay-fetch").rmdir()
    (out / "report.json").write_text(json.dumps(REPORT))
    return out


REPORT = {
    "list_name": "views.csv", "rows": 4, "duplicates": 0, "bad_rows": 0, "outcomes": {"fetched": 3, "failed": 1},
    "unasked": 0, "finished_before": 0, "noted": 0, "segments": 4, "bytes": 9, "requests": 5, "retries": 8,
    "rate_limited": 0, "pages": 4, "wire_bytes": 9, "seconds": 1.5, "started": "2026-01-31T08:00:00Z",
    "interrupted": False, "stopped": None, "bad_row_reasons": [], "views": 4, "exit_code": 1,
}  # fmt: skip


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def driver(folder: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> Ranged:
    upload(folder, store)
    return serve(monkeypatch, store)


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> Ranged:
    """A store without a single object."""
    return serve(monkeypatch, MemoryStore())


def ran(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([*map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


_TIMES = re.compile(r"[\d.]+ m?s\b|\"seconds\":[\d.]+,")


def alike(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> tuple[int, str, str]:
    """Run a command on the stored archive and on the folder; what both say, but for where they lie and how long."""
    told: list[tuple[int, str, str]] = []
    for out in (str(folder), URL):
        code, said, warned = ran(capsys, *(out if word == "OUT" else word for word in words))
        timed, silent = (_TIMES.sub("", words.replace(out, "OUT")) for words in (said, warned))
        told.append((code, timed, silent))
    assert told[1] == told[0]
    return told[0]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("status OUT", 0),
        ("status OUT --json", 0),
        ("status OUT --unfinished", 0),
        ("show OUT", 0),
        ("show OUT --json --pages", 0),
        ("show OUT aaaa", 0),
        ("show OUT dddd", 2),
        ("verify OUT", 0),
        ("verify OUT --json", 0),
        ("verify OUT --quick", 0),
        ("transcript OUT aaaa", 0),
        ("snapshot OUT aaaa --view v1 --at 2.5", 0),
    ],
)
@pytest.mark.usefixtures("driver")
def test_a_command_says_the_same_of_a_stored_archive(
    words: str, code: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    got = alike(capsys, folder, *words.split())
    assert got[0] == code, got
    assert any(got[1:])


@pytest.mark.parametrize("kind", ["parquet", "rrweb", "html", "scrub", "report"])
@pytest.mark.usefixtures("driver")
def test_a_command_writes_the_same_files_of_a_stored_archive(
    kind: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = []
    for number, out in enumerate((str(folder), URL)):
        target = tmp_path / str(number)
        words = {
            "parquet": ["export", out, "--parquet", target],
            "rrweb": ["export", out, "--rrweb", target],
            "html": ["play", out, "aaaa", "--html", target],
            "scrub": ["scrub", out, target],
            "report": ["report", out, "--out", target],
        }[kind]
        code, _, warned = ran(capsys, *words)
        assert (code, "Traceback" in warned) == (0, False), warned
        written = [target] if target.is_file() else sorted(each for each in target.rglob("*") if each.is_file())
        files.append([(each.relative_to(target), each.read_bytes()) for each in written])
    assert files[0]
    assert files[1] == files[0]


def first_session(folder: Path) -> Path:
    return min((folder / "sessions").iterdir())


def flipped(content: bytes) -> bytes:
    return content[:40] + bytes([content[40] ^ 1]) + content[41:]


@pytest.mark.parametrize(
    ("damage", "problem", "quick"),
    [
        (flipped, "damaged", False),
        (lambda content: content[:-7], "cut off", True),
        (lambda content: content + b"more", "unclaimed", True),
        (None, "missing", True),
    ],
    ids=["flipped", "cut", "longer", "missing"],
)
@pytest.mark.usefixtures("driver")
def test_damage_is_found_in_the_same_words(  # noqa: PLR0913, PLR0917 - a table's columns and fixtures
    damage: Callable[[bytes], bytes] | None,
    problem: str,
    quick: bool,  # noqa: FBT001 - from the table
    folder: Path,
    store: MemoryStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = first_session(folder)
    name = f"sessions/{path.name}"
    if damage is None:
        path.unlink()
        obstore.delete(store, name)
    else:
        path.write_bytes(damage(path.read_bytes()))
        put(store, name, path.read_bytes())
    for words in (["verify", "OUT", "--json"], ["verify", "OUT", "--json", "--quick"]):
        code, said, _ = alike(capsys, folder, *words)
        found = [(each["problem"], each["file"]) for each in json.loads(said)["findings"]]
        expected = quick or "--quick" not in words
        assert code == expected
        assert set(found) == ({(problem, name)} if expected else set())
    code, said, _ = ran(capsys, "verify", URL)
    assert code == 1
    assert "--rebuild` there" in " ".join(said.split())


@pytest.mark.usefixtures("driver")
def test_an_extra_object_is_named(store: MemoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    put(store, "sessions/dddd.ndjson", b"{}\n")
    code, said, _ = ran(capsys, "verify", URL, "--quick")
    assert code == 1
    assert said.startswith("sessions/dddd.ndjson\n  extra     no view of the manifest lies in it\n")


@pytest.mark.parametrize("words", ["show OUT aaaa", "transcript OUT aaaa", "play OUT aaaa --html /dev/null"])
@pytest.mark.parametrize("missing", [True, False], ids=["missing", "cut"])
@pytest.mark.usefixtures("driver")
def test_an_object_that_is_not_as_the_manifest_says_ends_with_3_and_its_address(
    words: str,
    missing: bool,  # noqa: FBT001 - from the table
    folder: Path,
    store: MemoryStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = f"sessions/{first_session(folder).name}"
    if missing:
        obstore.delete(store, name)
    else:
        put(store, name, body(store, name)[:50])
    code, _, warned = ran(capsys, *words.replace("OUT", URL).split())
    assert code == 3
    assert f"{URL}/{name}" in " ".join(warned.split())
    assert ("No such file" if missing else "is shorter than the manifest says") in " ".join(warned.split())


def test_a_view_is_read_by_its_range_and_nothing_else_of_its_session(
    driver: Ranged, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(capsys, "transcript", URL, "aaaa", "--view", "v2")[0] == 0
    lines = map(json.loads, (folder / "manifest.ndjson").read_text().splitlines())
    (line,) = (line for line in lines if (line["session_id"], line["view_id"]) == ("aaaa1111", "v2"))
    read = [each for each in driver.read if each[0].startswith("sessions/")]
    assert read == [(line["file"], line["offset"], line["length"])]


def test_a_large_object_is_read_in_pieces_of_one_version(driver: Ranged, store: MemoryStore) -> None:
    content = bytes(range(256)) * 20_000
    put(store, "large", content)
    shelf = StoreShelf(parse(URL))
    assert b"".join(shelf.blocks("large")) == content
    assert b"".join(shelf.blocks("large", 7, 4_000_000)) == content[7:4_000_007]
    assert all(length is not None and length <= 2**21 for _, _, length in driver.read)
    assert b"".join(shelf.blocks("report.json")) == body(store, "report.json")
    pieces = shelf.blocks("large")
    next(pieces)
    put(store, "large", content[1:])
    with pytest.raises(OSError, match="s3://bucket/season/large was written anew while it was read"):
        next(pieces)


def test_an_empty_object_has_no_blocks_and_listings_go_on_behind_their_pages(
    driver: Ranged, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LISTED_AT_ONCE", 2)
    for number in range(5):
        put(store, f"many/{number}", b"")
    shelf = StoreShelf(parse(URL))
    assert list(shelf.blocks("many/0")) == []
    assert [each.name for each in shelf.files("many")] == [f"many/{number}" for number in range(5)]
    assert driver.asked.count(("LIST", "many")) == 3


COMMANDS = (
    "status OUT",
    "show OUT",
    "verify OUT",
    "verify OUT --quick",
    "transcript OUT aaaa",
    "report OUT --out TMP/report.html",
    "export OUT --rrweb TMP/events",
    "export OUT --parquet TMP/tables",
    "play OUT aaaa --html TMP/page.html",
    "snapshot OUT aaaa --view v1 --at 0",
    "scrub OUT TMP/copy",
)


@pytest.mark.parametrize(
    ("refusal", "code", "said"),
    [
        ("<Code>AccessDenied</Code> status code: 403", 3, "not open to these credentials"),
        ("<Code>NoSuchBucket</Code> status code: 404", 2, "does not exist"),
        ("<Code>ExpiredToken</Code> status code: 400", 3, "credentials have expired"),
        ("connection refused", 3, "nothing but faults"),
    ],
    ids=["denied", "no bucket", "expired", "dead"],
)
def test_a_store_that_refuses_or_is_dead_ends_every_command_with_its_address_and_nothing_written(  # noqa: PLR0913, PLR0917 - a table's columns and fixtures
    refusal: str, code: int, said: str, empty: Ranged, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = judge(refusal)
    empty.refused = verdict.refusal or Fault(verdict.words)
    for words in COMMANDS:
        got, out, warned = ran(capsys, *words.replace("OUT", URL).replace("TMP", str(tmp_path)).split())
        assert (got, out) == (code, ""), (words, warned)
        assert said in " ".join(warned.split()), words
        assert URL in warned
        assert "Traceback" not in warned
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", COMMANDS[:4])
@pytest.mark.usefixtures("empty")
def test_a_place_without_an_archive_ends_with_3(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, warned = ran(capsys, *words.replace("OUT", URL).split())
    assert code == 3
    assert f"{URL} is not an archive of replay-fetch: it has no manifest.ndjson" in " ".join(warned.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("decode s3://bucket/season", "decode writes to the archive's ledger"),
        ("verify s3://bucket/season --rebuild", "a ledger is rebuilt on a disk"),
        ("verify here --rebuild --quick", "cannot be --quick"),
        ("scrub here s3://bucket/copy", "a scrubbed copy is written to a disk"),
        ("status ftp://host/season", "ftp:// is no store that is known here"),
        ("status s3://key:secret@bucket/season", "holds more than a bucket and a path"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused_with_2_before_anything_is_asked(
    words: str, said: str, empty: Ranged, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, warned = ran(capsys, *words.split())
    assert code == 2
    assert said in " ".join(warned.split())
    assert "secret" not in warned
    assert empty.asked == []


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(__import__("sys").modules, "replay_fetch.store.door", None)
    code, _, warned = ran(capsys, "status", URL)
    assert code == 2
    assert "s3:// needs the store extra" in " ".join(warned.split())


def test_a_shelf_is_pickled_as_its_address(empty: Ranged) -> None:
    sent = pickle.dumps(StoreShelf(parse(URL)))
    assert b"Objects" not in sent
    assert pickle.loads(sent).place("x") == f"{URL}/x"  # noqa: S301 - our own
    assert empty.asked == []


def test_a_refused_session_ends_a_verification_though_another_is_never_answered(
    driver: Ranged, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    driver.denied, driver.held, *_ = sorted(f"sessions/{file.name}" for file in (folder / "sessions").iterdir())
    code, _, warned = ran(capsys, "verify", URL)
    assert code == 3
    assert "not open to these credentials" in " ".join(warned.split())
