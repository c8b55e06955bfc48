"""Lists that name sessions or replay links and no views, and lists in other forms than CSV."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import uuid

import pytest

from replay_fetch.errors import InputError
from replay_fetch.model import View
from replay_fetch.settings import PlanSettings
from replay_fetch.view_list.rows import BadRow, PlannedRow, RepeatedHeader, Row, SessionRow
from replay_fetch.view_list.source import Words
from replay_fetch.view_list.view_list import ViewList

S, T = "1f46e825-067f-4850-9b0a-58b0ef0c14f1", "94700fd5-22d7-4760-9d46-ec0c0da5a137"
V = "8fbd8d7a-6bb6-4a2e-b62e-5cc7d3ece4da"
LINK = f"https://app.datadoghq.eu/rum/replay/sessions/{S}?seed={V}"
WHOLE, ONLY = PlanSettings(whole_sessions=True), PlanSettings(view_only=True)


def read(content: str, settings: PlanSettings | None = None, site: str = "") -> tuple[bool, list[Row]]:
    views = ViewList(io.BytesIO(content.encode()), settings, site)
    views.begin()
    return views.names_sessions, list(views.rows())


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (f"session_id\n{S}\n", 2),
        (f"ticket;Session ID;note\n1;{S};slow\n", 2),
        (f"@session.id\r\n{{{S}}}\r\n", 2),
        (f"{S}\n", 1),
        (f"\ufeff\n{S},\r\n", 2),
        (f"\u201c{S}\u201d.\n", 1),
        (f"`{S}`\n", 1),
        (f"{S[:20]}\u200b{S[20:]}\u2060\n", 1),
        (f"ticket,session_id\n1,\u201e{S}\u201c\n", 2),
        (f'{{"session_id": "{S}", "user": "ana"}}\n', 1),
        (json.dumps({"attributes": {"attributes": {"session": {"id": S}, "type": "session"}}}), 1),
    ],
)
def test_a_list_of_sessions_names_them_on_their_lines(content: str, line: int) -> None:
    assert read(content) == (True, [SessionRow(line, S)])


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (LINK, 1),
        (f"<{LINK}>\n", 1),
        (f"ticket,where\n1,{LINK}\n", 2),
        (f"id|replay\n7|see {LINK} please\n", 2),
        (f"session_id\n{LINK}\n", 2),
        (json.dumps({"ticket": 7, "where": LINK}), 1),
    ],
)
def test_links_are_found_on_lines_in_any_column_and_in_objects(content: str, line: int) -> None:
    assert read(content) == (True, [SessionRow(line, S, V)])
    assert read(content, ONLY) == (False, [PlannedRow(line, View(S, V), None)])


def test_arguments_are_a_list_of_their_own() -> None:
    views = ViewList(Words([S, LINK]))
    assert list(views.rows()) == [SessionRow(1, S), SessionRow(2, S, V)]
    assert views.name == "the command line"


def test_a_list_of_views_can_be_read_for_its_sessions() -> None:
    assert read(f"view_id,session_id\n{V},{S}\n", WHOLE) == (True, [SessionRow(2, S)])
    assert read(f'{{"session_id":"{S}","view_id":"{V}"}}', WHOLE) == (True, [SessionRow(1, S)])


def test_rows_that_name_no_session_are_reported_with_their_lines() -> None:
    _, rows = read(f"session_id,link\n{S},\n,\n,x\nnull,y\nTotal,2\nsession_id,link\n{T},z\n")
    assert [row.line for row in rows if isinstance(row, BadRow)] == [4, 5, 6]
    assert RepeatedHeader(7) in rows
    assert [row.session_id for row in rows if isinstance(row, SessionRow)] == [S, T]


def test_words_between_the_links_of_a_mail_are_bad_rows_and_no_sessions() -> None:
    names_sessions, rows = read(f"Hello\nsee {LINK}.\nand {LINK.replace(S, T)}\nThanks\n")
    assert names_sessions
    assert [row.session_id for row in rows if isinstance(row, SessionRow)] == [S, T]
    (bad,) = (row for row in rows if isinstance(row, BadRow))
    assert bad == BadRow(4, "session id: the id 'Thanks' is no UUID, as the others of its column are")


@pytest.mark.parametrize("line", [f"mail.txt:{S}", f"{S} {T}", f'["{S}","{T}"]'])
def test_ids_with_other_text_around_are_told_from_a_header_without_columns_of_ids(line: str) -> None:
    with pytest.raises(InputError, match=r"line 1 holds an id with other text around it, .*: write one id a line"):
        read(f"{line}\n")


def test_view_only_refuses_what_names_no_view() -> None:
    names_sessions, rows = read(f"{S}\n{LINK.partition('?')[0]}\n", ONLY)
    assert not names_sessions
    assert [row.reason.partition(";")[0] for row in rows if isinstance(row, BadRow)] == [
        "a session id alone names no view",
        "the link names no view (seed=…)",
    ]


@pytest.mark.parametrize("settings", [None, ONLY])
def test_a_link_to_another_site_ends_the_reading(settings: PlanSettings | None) -> None:
    with pytest.raises(InputError, match=r"line 1: the link leads to datadoghq.eu, and datadoghq.com would be asked"):
        read(LINK, settings, "datadoghq.com")


@pytest.mark.parametrize(
    "content",
    [
        f"session_id|view_id\n{S}|{V}\n",
        f" session_id | view_id \n------------+---------\n {S} | {V} \n(1 row)\n",
        f"| session_id | view_id |\n|:-----------|--------:|\n| {S} | {V} |\n",
        json.dumps({"Session ID": S, "view.id": V, "note": 1}),
        json.dumps(
            {"attributes": {"timestamp": "2026-01-01", "attributes": {"session": {"id": S}, "view": {"id": V}}}}
        ),
        json.dumps({"type": "view", "session": {"id": S}, "view": {"id": V}}),
        json.dumps({"data": [{"attributes": {"session": {"id": S}, "view": {"id": V}}}], "meta": {}}),
    ],
)
def test_pipes_and_json_lines_hold_views(content: str) -> None:
    names_sessions, rows = read(content)
    assert not names_sessions
    assert [row.view for row in rows if isinstance(row, PlannedRow)] == [View(S, V)]
    assert len(rows) == 1


def test_a_drawn_line_is_nothing_in_a_table_with_pipes_alone() -> None:
    assert read(f"session_id,view_id\n{S},{V}\n-,-\n")[1][1:] == [
        BadRow(3, "the session id is missing: '-' stands for none")
    ]


def test_json_lines_give_counts_and_dates_and_name_damaged_lines() -> None:
    event = {"session": {"id": S}, "view": {"id": V}, "_dd": {"replay_stats": {"segments_count": 3}}}
    answer = {"attributes": {"timestamp": "2026-01-31T08:00:00Z", "attributes": event}}
    text = f'{json.dumps(answer)}\n\n{{"session_id": \n[1]\n{{"a": 1}}\n{{"session_id":"{S}"}}\n'
    assert read(text)[1] == [
        PlannedRow(1, View(S, V), 3, 1_769_846_400),
        BadRow(3, "no JSON: the line is cut or damaged"),
        BadRow(4, "the line is JSON, but not an object"),
        BadRow(5, "no session id: there is neither session_id nor session.id"),
        BadRow(6, "the view id is missing"),
    ]


def test_lone_surrogates_in_json_lines_cost_no_row() -> None:
    assert read(f'{{"session_id":"{S}","view_id":"{V}","url":"\\ud83d"}}')[1] == [PlannedRow(1, View(S, V), None)]


def test_columns_of_json_lines_can_be_named() -> None:
    settings = PlanSettings(session_column="Replay", view_column="Page")
    assert read(f'{{"replay":"{S}","page":"{V}"}}', settings)[1] == [PlannedRow(1, View(S, V), None)]


def test_a_packed_list_of_sessions_is_read_as_any_list() -> None:
    views = ViewList(io.BytesIO(gzip.compress(f"{S}\n{T}\n".encode())))
    assert list(views.rows()) == [SessionRow(1, S), SessionRow(2, T)]


def test_reading_sixty_thousand_sessions_takes_little_memory() -> None:
    text = "session_id\n" + "".join(f"{uuid.UUID(int=number + 2**100)}\n" for number in range(60_000))
    views = ViewList(io.BytesIO(text.encode()))
    tracemalloc.start()
    try:
        assert sum(isinstance(row, SessionRow) for row in views.rows()) == 60_000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_events_of_sessions_that_were_not_recorded_are_no_rows_of_an_export() -> None:
    event = {
        "type": "action",
        "_dd": {"format_version": 2},
        "session": {"id": S, "has_replay": True},
        "view": {"id": V},
    }
    others = [{**event, "session": {"id": T}}, {**event, "session": {"id": T, "has_replay": False}}]
    text = "\n".join(map(json.dumps, [others[0], event, others[1], event]))
    assert read(text) == (False, [PlannedRow(2, View(S, V), None), PlannedRow(4, View(S, V), None)])
