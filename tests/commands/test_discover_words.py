"""Searching in plain words: the query they become, the views it finds, and the count of a download to come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from archives import WIDE
from hypothesis import given
from hypothesis import strategies as st
from processes import run_here, served
from searches import everything, search

from replay_fetch.api.search import REPLAYED_VIEWS, SearchWords
from replay_fetch.cli import main
from replay_fetch.errors import SettingsError
from replay_fetch.simulator import Simulator, SimulatorSettings
from replay_fetch.simulator.events import Events
from replay_fetch.simulator.query import compiled, sessions_named
from replay_fetch.timestamps import epoch_ms, place_ms, timestamp_ms

NOW = epoch_ms(datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC))
HOUR = 3_600_000


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("words", "query"),
    [
        (SearchWords(), REPLAYED_VIEWS),
        (SearchWords(user='a"b\\'), f'{REPLAYED_VIEWS} (@usr.id:"a\\"b\\\\" OR @usr.email:"a\\"b\\\\")'),
        (SearchWords(url="/cart?id=1"), f"{REPLAYED_VIEWS} @view.url:*/cart\\?id\\=1*"),
        (SearchWords(url="https://shop.example/*"), f"{REPLAYED_VIEWS} @view.url:https\\://shop.example/*"),
        (SearchWords(error=True), f"{REPLAYED_VIEWS} @view.error.count:>0"),
    ],
)
def test_words_become_terms_of_the_search_syntax(words: SearchWords, query: str) -> None:
    assert words.query() == query


def test_words_narrow_a_query_of_the_users_own_as_a_whole() -> None:
    assert SearchWords(error=True).query("a:1 OR b:2") == "(a:1 OR b:2) @view.error.count:>0"
    assert SearchWords().query("a:1 OR b:2") == "a:1 OR b:2"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_no_persons_name_and_no_url_can_widen_the_query(text: str) -> None:
    """The simulator reads the query back: it finds that text, and nothing else."""
    other = {"type": "view", "session": {"has_replay": True}, "usr": {"id": "another"}, "view": {"url": "another"}}
    for words, event in (
        (SearchWords(user=text), {**other, "usr": {"email": text}}),
        (SearchWords(url=text.replace("*", "x")), {**other, "view": {"url": f"<{text.replace('*', 'x')}>"}}),
    ):
        matches = compiled(words.query())
        assert matches(event)
        assert not matches({**event, "type": "action"})
        assert not matches({**event, "usr": {}, "view": {}})


@pytest.mark.anyio
@pytest.mark.usefixtures("virtual_clock")
async def test_plain_words_find_what_the_events_say() -> None:
    async with Simulator() as simulator:
        every = Events(simulator.views, 1.0, 0)
        events: list[dict[str, Any]] = [every.event(at) for at in range(len(every))]  # Any: an event's own values
        cases: list[tuple[SearchWords, Callable[[dict[str, Any]], bool]]] = [
            (SearchWords(user="u-42187"), lambda event: (event.get("usr") or {}).get("id") == "u-42187"),
            (SearchWords(url="/catalog?sdk=7"), lambda event: "/catalog?sdk=7" in event["view"]["url"]),
            (SearchWords(error=True), lambda event: event["type"] == "view" and event["view"]["error"]["count"] > 0),
        ]
        for words, holds in cases:
            found = await search(simulator, everything(words.query()))
            expected = {event["view"]["id"] for event in events if event["session"].get("has_replay") and holds(event)}
            assert {view.view_id for view in found.ids} == expected


def test_the_simulator_knows_a_query_that_names_its_sessions() -> None:
    assert sessions_named('(a) @session.id:("s-1" OR "s-2")') == ["s-1", "s-2"]
    for query in ("a", '@session.id:"s-1"', '(a) OR (b) @session.id:("s-1")', '(a) @session.id:("s-1") b'):
        assert sessions_named(query) is None


@pytest.mark.parametrize(
    ("text", "ago"),
    [("30min", HOUR // 2), ("1h", HOUR), ("now-1h", HOUR), ("7d", 168 * HOUR), ("2w", 336 * HOUR), ("1mo", 720 * HOUR),
     ("now-5m", HOUR // 12), ("90s", 90_000), ("now", 0)],
)  # fmt: skip
def test_spans_of_time_are_written_as_the_vendors_pages_write_them(text: str, ago: int) -> None:
    assert timestamp_ms(text, NOW, "--since") == NOW - ago


@pytest.mark.parametrize("text", ["1y", "mo", "-1h", "1hour", "now+1h", "1 h ago"])
def test_other_spans_are_refused_with_the_forms_that_are_known(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--since .* is no point in time; write now, now-7d, 30min"):
        timestamp_ms(text, NOW, "--since")


def test_a_place_in_a_recording_is_no_span_before_now() -> None:
    with pytest.raises(SettingsError, match="is no time"):
        place_ms("1h", NOW, "--at")


def test_the_query_is_printed_and_the_count_comes_without_a_list(simulator: Simulator) -> None:
    base = ("--base-url", simulator.base_url, "--since", "30d")
    done = run_here("discover", *base, "--url", "/catalog", "--count", "--max-rate", "5")
    assert f"INFO query: {REPLAYED_VIEWS} @view.url:*/catalog*\n" in done.stderr
    first, *lines = done.stdout.splitlines()
    assert (done.code, first) == (0, "7 views found, nothing downloaded (--count)")
    assert [line.split()[0] for line in lines] == ["sessions", "segments", "requests", "time", "bytes"]
    assert all(len(line) <= 80 for line in lines)
    told = json.loads(run_here("discover", *base, "--count", "--json", "-q").stdout)
    assert (told["views"], told["sessions"], told["segments"], told["least_requests"]) == (26, 8, 62, 26)
    assert (told["rate_per_s"], told["least_seconds"], told["rate_assumed"]) == (10.0, 2.6, True)
    assert told["raw_bytes"] > 0


def test_a_limit_ends_the_search_and_is_told_of(simulator: Simulator, tmp_path: Path) -> None:
    out = tmp_path / "views.csv"
    done = run_here("discover", "--base-url", simulator.base_url, "--limit", "3", "--out", out)
    assert (done.code, len(out.read_text().splitlines())) == (0, 4)
    assert "ended at --limit 3: there may be more\n" in done.stdout


def test_rows_of_a_list_of_sessions_that_name_none_cost_exit_code_1(simulator: Simulator, tmp_path: Path) -> None:
    listed = tmp_path / "ids.csv"
    listed.write_text(f"session_id\n{simulator.views.session_id(0)}\nsession_id\nx y\n")
    done = run_here("discover", "--sessions", listed, "--base-url", simulator.base_url)
    assert (done.code, done.stdout.count("\n")) == (1, 5)
    assert "line 4: session id: the id 'x y' has a character outside" in done.stderr
    assert "left out: 1 row of the list of sessions" in done.stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--since", "7d", "--from", "now-7d"], "--since and --from mean the same"),
        (["--since", "soon"], "--since 'soon' is no point in time"),
        (["--limit", "0"], "--limit must be at least 1"),
        (["--count", "--out", "views.csv"], "--count prints figures and writes no list"),
        (["--session", "https://app.datadoghq.eu/rum/replay/sessions/a-1"], "leads to datadoghq.eu, and datadoghq.com"),
        (["nosuch.csv"], "nosuch.csv: there is no such file"),
        (["--session", "1f46e825"], "--session '1f46e825': as a session id it is cut short: give all its 36"),
    ],
)
def test_a_search_that_cannot_be_meant_is_refused_before_anything_is_asked(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discover", *options]) == 2
    said = capsys.readouterr()
    assert complaint in said.err
    assert said.out == ""


def test_an_option_of_discover_is_not_taken_for_one_of_download(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["download", "views.csv", "out", "--since", "7d"])
    said = capsys.readouterr().err
    assert "unknown option --since, which discover has" in said
    assert "--site" not in said
