"""The list that ``discover`` writes: exact where it is read again, harmless where it is looked at."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import replay_fetch
from replay_fetch.api.events import FoundView
from replay_fetch.errors import SettingsError
from replay_fetch.ledger.found import FoundViews
from replay_fetch.model import NO_ID, Outcome, View
from replay_fetch.progress.bottleneck import Limit
from replay_fetch.progress.snapshot import SearchSnapshot
from replay_fetch.progress.stats import RunStats
from replay_fetch.timestamps import epoch_ms, iso, timestamp_ms
from replay_fetch.view_list.view_list import ViewList
from replay_fetch.view_list.writing import COLUMNS, csv_text, inert, table_text

NOW = epoch_ms(datetime(2026, 2, 3, 4, 5, 6, 789_000, UTC))
DAY = 86_400_000

IDS = st.text("abcXYZ019_-", min_size=1, max_size=12).filter(lambda text: not re.fullmatch(NO_ID, text))
# Everything that a browser may send, lone surrogates among it.
TEXTS = st.text(st.characters(codec=None, exclude_categories=[]), max_size=20)
FOUND = st.builds(
    FoundView,
    st.builds(View, IDS, IDS),
    st.integers(0, NOW).map(iso),
    TEXTS,
    TEXTS,
    st.none() | st.integers(0, 10**9 - 1),
    TEXTS,
    st.integers(-(2**53), 2**53),
    st.none() | st.integers(0, 10**9 - 1),
)


def found(
    number: int = 1, *, url: str = "https://shop.example/", version: int = 1, date: str = "2026-01-31"
) -> FoundView:
    return FoundView(View("session", f"view-{number}"), date, "application", url, 3, "browser 6.33.0", version)


@settings(max_examples=60)
@given(st.lists(FOUND, max_size=8))
def test_download_reads_back_every_view_that_was_found(listed: list[FoundView]) -> None:
    views = FoundViews()
    views.add(listed)
    text = "".join(csv_text(views)).encode()
    with ViewList(io.BytesIO(text)) as rows:
        read = [(row.view, row.segments_count) for row in rows.rows()]  # type: ignore[union-attr] # a bad row fails the test
    last = {each.view: each for each in sorted(listed, key=lambda each: each.version)}
    assert dict(read).keys() == last.keys()
    assert len(read) == len(last)
    views.close()


@settings(max_examples=100)
@given(TEXTS)
def test_no_cell_of_a_stranger_begins_a_formula_or_moves_a_cursor(text: str) -> None:
    cell = inert(text)
    assert cell.isprintable()
    assert not any(part.lstrip(" ").startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20")) for part in cell.split(";"))
    assert inert(cell) == cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("https://shop.example/?a=1&b=+2;c=-3@x", "https://shop.example/?a=1&b=+2;c=-3@x"),
        ("http://127.0.0.1:46255/catalog?sdk=7.16.2", "http://127.0.0.1:46255/catalog?sdk=7.16.2"),
        ('=HYPERLINK("http://evil","x")', '%3DHYPERLINK("http://evil","x")'),
        ("-2+3", "%2D2+3"),
        ("@SUM(1)", "%40SUM(1)"),
        ("+1;=2", "%2B1;%3D2"),
        ("  =1; =2", "  %3D1; %3D2"),
        ("\uff1d1", "%EF%BC%9D1"),
        ("a = b - c", "a = b - c"),
        ("\t=1\r\n", "%09=1%0D%0A"),
        ("\x1b[31mred", "%1B[31mred"),
        ("\u202eexe.gpj", "%E2%80%AEexe.gpj"),
        ("\ud83d", "%ED%A0%BD"),
        ("日本", "日本"),
    ],
)
def test_a_strangers_text_is_made_inert_and_can_be_read_back(text: str, cell: str) -> None:
    assert inert(text) == cell
    assert unquote(cell, errors="surrogatepass") == text


@pytest.mark.parametrize(
    ("limited_by", "gate", "limit"),
    [
        (None, 0.0, ""),
        (Limit.LATENCY, 0.0, ""),
        (Limit.API, 0.0, ", API limit 4.0/s"),
        (Limit.API, 75.0, ", API limit, paused 1 min 15 s"),
        (Limit.MAX_RATE, 0.0, ", max-rate 4.0/s"),
        (Limit.RETRIES, 0.0, ", retries"),
    ],
)
def test_a_moment_of_a_search_in_words(limited_by: Limit | None, gate: float, limit: str) -> None:
    """What limits it is said as a download says it."""
    stats = RunStats(pages=3, requests=5, rate_limited=2, wire_bytes=2000)
    moment = SearchSnapshot(4 * DAY, DAY, 1200, stats, Pace(4.0, gate), limited_by)
    words = ", ".join(moment.words())
    assert words == f"1,200 views found, 25% of the time searched{limit}, 3 pages, 2.0 kB, 2 429s"
    assert moment.fields()["limited_by"] == limited_by
    assert moment.fields()["time_searched_ms"] == DAY


@dataclass(frozen=True)
class Pace:
    rate_per_s: float | None
    gate_shut_s: float
    limiter: str = ""


def test_every_cell_of_every_table_is_written_in_one_place() -> None:
    """The simulator writes lists of its own ids, and imports nothing of ours; a store keeps checked ids alone."""
    sources = {path: path.read_text("utf-8") for path in Path(replay_fetch.__file__).parent.rglob("*.py")}
    writers = {
        path.relative_to(Path(replay_fetch.__file__).parent).as_posix()
        for path, text in sources.items()
        if re.search(r"csv\.(Dict)?[wW]riter", text)
    }
    assert writers == {"view_list/writing.py", "store/lists.py", "simulator/truth.py"}


@pytest.mark.parametrize(
    ("column", "value", "cell"),
    [
        ("session_id", "-A1", "-A1"),
        ("view_id", "=1", "%3D1"),
        ("url", "-A1", "%2DA1"),
        ("start_ms", -5, "-5"),
        ("seconds", 1.5, "1.5"),
        ("sdk", None, ""),
        ("outcome", Outcome.FAILED, "failed"),
        ("pages", ["https://a/,b", "\x1b[2J", "\ud83d"], '["https://a/,b","\\u001b[2J","%ED%A0%BD"]'),
        ("gaps", [[1, 2]], "[[1,2]]"),
        ("lacks_full_snapshot", False, "False"),
    ],
)
def test_a_cell_holds_its_value_and_nothing_that_acts(column: str, value: object, cell: str) -> None:
    [row] = csv.DictReader(io.StringIO("".join(table_text([column, "other"], [(value, "x")]))))
    assert row == {column: cell, "other": "x"}


def test_a_cell_with_commas_quotes_and_lines_stays_one_cell() -> None:
    text = "".join(csv_text([found(url='https://shop.example/"a",\nb')]))
    header, row = csv.reader(io.StringIO(text))
    assert tuple(header) == COLUMNS
    assert row == [
        "session",
        "view-1",
        "2026-01-31",
        "application",
        'https://shop.example/"a",%0Ab',
        "3",
        "browser 6.33.0",
    ]


def test_of_several_events_the_highest_version_counts_whenever_it_comes() -> None:
    for order in ([1, 3, 2], [3, 2, 1], [2, 1, 3]):
        views = FoundViews()
        for version in order:
            views.add([found(url=f"v{version}", version=version)])
        assert [each.view_url for each in views] == ["v3"]
        assert (views.size, views.sessions()) == (1, 1)
        views.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("now-90s", NOW - 90_000),
        ("now-15m", NOW - 900_000),
        ("now-24h", NOW - DAY),
        ("now-7d", NOW - 7 * DAY),
        ("now-2w", NOW - 14 * DAY),
        ("1769846400000", 1_769_846_400_000),
        ("2026-01-31", 1_769_817_600_000),
        ("20260131", 1_769_817_600_000),
        ("2026-01-31T08:00Z", 1_769_846_400_000),
        ("2026-01-31T08:00:00.123Z", 1_769_846_400_123),
        ("2026-01-31 08:00", 1_769_846_400_000),
        ("2026-01-31T09:00+01:00", 1_769_846_400_000),
    ],
)
def test_points_in_time_are_read_as_people_write_them(text: str, expected: int) -> None:
    assert timestamp_ms(text, NOW, "--from") == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "now-7y", "now+1d", "-5", "2026-13-01", "١٢٣", "1769846400", "9" * 20]
)
def test_a_text_that_is_no_point_in_time_is_refused_with_its_flag(text: str) -> None:
    with pytest.raises(SettingsError, match="--to"):
        timestamp_ms(text, NOW, "--to")


@settings(max_examples=100)
@given(st.integers(0, 253_402_300_799_999))
def test_a_point_in_time_survives_being_written(time_ms: int) -> None:
    assert epoch_ms(datetime.fromisoformat(iso(time_ms))) == time_ms
    assert datetime.fromisoformat(iso(time_ms)) - datetime(1970, 1, 1, tzinfo=UTC) == timedelta(milliseconds=time_ms)
