"""Lists that were put together, cut, exported or typed wrongly: no row of them becomes a view that nobody has."""

from __future__ import annotations

import csv
import io
import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from archives import Archive, download
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.errors import InputError
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.model import View
from replay_fetch.pipeline.list_loading import load_plan
from replay_fetch.settings import PlanSettings
from replay_fetch.simulator import Simulator
from replay_fetch.view_list.header import unwrapped
from replay_fetch.view_list.rows import BadRow, PlannedRow, RepeatedHeader, Row
from replay_fetch.view_list.source import LONGEST_CELL
from replay_fetch.view_list.view_list import ViewList

HEADER = "session_id,view_id\n"
NIL = str(uuid.UUID(int=0))


def an_id(number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))


def pair(number: int) -> str:
    return f"{an_id(2 * number)},{an_id(2 * number + 1)}\n"


def read(text: str, settings: PlanSettings | None = None) -> list[Row]:
    return list(ViewList(io.BytesIO(text.encode()), settings).rows())


def good(rows: list[Row]) -> list[View]:
    return [row.view for row in rows if isinstance(row, PlannedRow)]


def bad(rows: list[Row]) -> dict[int, str]:
    return {row.line: row.reason for row in rows if isinstance(row, BadRow)}


def headers(rows: list[Row]) -> list[int]:
    return [row.line for row in rows if isinstance(row, RepeatedHeader)]


@pytest.mark.parametrize(
    "again", [HEADER, "\ufeffSession ID,@view.id\n", '"sessionId","view.id"\n', "SESSION_ID,VIEW_ID,url\n"]
)
@pytest.mark.parametrize("uuids", [True, False])
def test_a_second_header_is_passed_over(again: str, uuids: bool) -> None:  # noqa: FBT001 - drawn
    one, two = (pair(1), pair(2)) if uuids else ("s1,v1\n", "s2,v2\n")
    rows = read(HEADER + one + again + two)
    assert [",".join(view) + "\n" for view in good(rows)] == [one, two]
    assert headers(rows) == [3]
    assert not bad(rows)


def test_a_second_header_of_named_columns_is_passed_over() -> None:
    rows = read("replay,page\ns1,v1\nReplay,Page\ns2,v2\n", PlanSettings(session_column="replay", view_column="page"))
    assert good(rows) == [("s1", "v1"), ("s2", "v2")]
    assert headers(rows) == [3]


@pytest.mark.parametrize(
    "again", ["view_id,session_id\n", "date,session_id,view_id\n", "session_id,view_id,n,segments_count\n"]
)
def test_a_second_header_in_another_order_ends_the_reading(again: str) -> None:
    """The rows behind it have their ids exchanged: they would all be missing."""
    header = "session_id,view_id,segments_count\n"
    with pytest.raises(InputError, match="line 3: another header, with its columns in another order"):
        read(header + pair(1) + again + pair(2))


def test_a_plan_counts_repeated_headers_as_no_rows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "views.csv"
    path.write_text(HEADER + pair(1) + HEADER + HEADER + pair(2))
    with closing(Ledger.open(tmp_path / "ledger")) as ledger:
        plan = load_plan(ledger, ViewList(path), None)
    assert (plan.rows, plan.views, plan.bad_rows, plan.repeated_headers) == (2, 2, 0, 2)
    assert "line 3 holds the header again" in caplog.text
    assert "the header stands 2 times more in the list" in caplog.text


@pytest.mark.parametrize(
    ("stray", "reason"),
    [
        ("Total,12\n", "session id: the id 'Total' is no UUID, as the others of its column are"),
        (pair(9)[:55], "view id: the id"),
        (f"{an_id(1)},{an_id(2)}0\n", "is no UUID"),
        (f"{an_id(1)},{an_id(2)}session_id,view_id\n", "is no UUID"),
        (f"{an_id(1)},12\n", "view id: the id '12' is no UUID"),
        (f"https://app.example/rum/replay/sessions/{an_id(1)}?seed=x,{an_id(2)}\n", "it is a replay link: give"),
    ],
)
@pytest.mark.parametrize("others", [1, 12])
def test_an_id_that_is_no_uuid_among_uuids_is_a_bad_row(stray: str, reason: str, others: int) -> None:
    rows = read(HEADER + "".join(map(pair, range(others))) + stray)
    assert len(good(rows)) == others
    assert reason in bad(rows)[2 + others]


def test_ids_that_are_no_uuids_are_taken_where_most_are_none() -> None:
    text = HEADER + "s1,v1\nshop-2,view_2\n" + pair(1) + "0123456789abcdef,12\n"
    assert len(good(read(text))) == 4
    assert not bad(read(text))


def test_the_session_column_may_demand_uuids_while_the_view_column_does_not() -> None:
    rows = read(HEADER + f"{an_id(1)},v1\n{an_id(2)},v2\ns3,v3\n")
    assert good(rows) == [(an_id(1), "v1"), (an_id(2), "v2")]
    assert list(bad(rows)) == [4]


def test_uuids_in_upper_case_are_uuids() -> None:
    assert good(read(HEADER + pair(1).upper() + pair(2))) == [
        (an_id(2).upper(), an_id(3).upper()),
        (an_id(4), an_id(5)),
    ]


def test_the_first_thousand_rows_decide_and_are_read_like_all_others() -> None:
    lines = [HEADER, *map(pair, range(1500)), "Total,12\n"]
    rows = read("".join(lines))
    assert [",".join(view) + "\n" for view in good(rows)] == lines[1:-1]
    assert list(bad(rows)) == [1502]


@pytest.mark.parametrize(
    "none", ["null", "NULL", "undefined", "NaN", "None", "nil", "N/A", "-", "--", NIL, NIL.replace("-", "")]
)
@pytest.mark.parametrize("uuids", [True, False])
def test_a_word_for_no_id_is_a_missing_id(none: str, uuids: bool) -> None:  # noqa: FBT001 - drawn
    row = pair(1) if uuids else "s1,v1\n"
    rows = read(HEADER + row + f"{none},{none}\n")
    assert len(good(rows)) == 1
    assert bad(rows) == {3: f"the session id is missing: '{none}' stands for none"}


def test_words_for_no_id_do_not_outvote_uuids() -> None:
    rows = read(HEADER + "null,null\nundefined,undefined\nNaN,NaN\n" + f"{NIL},{NIL}\n" + "Total,2\n" + pair(1))
    assert good(rows) == [View(*pair(1).strip().split(","))]
    assert list(bad(rows)) == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "wrapped", ['="{}"', '"=""{}"""', "{{{}}}", '"{}"', "'{}", " {} ", '"{{{}}}"', "\ufeff{}", "\xa0{}\xa0", '" {}\n"']
)
def test_quotes_and_braces_that_programs_put_around_an_id_are_taken_off(wrapped: str) -> None:
    one, two = an_id(1), an_id(2)
    assert good(read(HEADER + f"{wrapped.format(one)},{wrapped.format(two)}\ns,v\n"))[0] == (one, two)
    assert good(read(HEADER + f"{wrapped.format('s1')},{wrapped.format('v1')}\n")) == [("s1", "v1")]


def test_a_header_may_be_wrapped_like_its_ids() -> None:
    assert good(read('="session_id",="view_id"\n="s1",="v1"\n')) == [("s1", "v1")]


@given(st.text("{}='\" ab", max_size=12))
def test_unwrapping_ends_and_leaves_nothing_to_unwrap(text: str) -> None:
    assert unwrapped(unwrapped(text)) == unwrapped(text)


def test_an_explorers_export_is_read_with_json_in_its_cells() -> None:
    cell = '"{""url"": ""https://shop.example/,x"",\n""n"": 1}"'
    text = f'"date","@session.id","@view.id","Content"\n"2026-11-27T10:00:00.000Z","{an_id(1)}","{an_id(2)}",{cell}\n'
    assert read(text) == [PlannedRow(2, View(an_id(1), an_id(2)), None)]


def test_a_cell_of_megabytes_costs_no_row() -> None:
    rows = read(f'{HEADER.strip()},content\n{pair(1).strip()},"{"x" * (LONGEST_CELL - 100)}"\n{pair(2)}')
    assert len(good(rows)) == 2
    assert not bad(rows)


@pytest.fixture
def own_limit() -> Iterator[int]:
    """A limit of the program that uses the library."""
    before = csv.field_size_limit(1234)
    yield 1234
    csv.field_size_limit(before)


def test_a_program_gets_its_own_limit_for_cells_back(own_limit: int) -> None:
    text = (HEADER + pair(1) + pair(2)).encode()
    with ViewList(io.BytesIO(text)) as one, ViewList(io.BytesIO(text)) as other:
        first, second = one.rows(), other.rows()
        next(first)
        next(second)
        list(first)
        assert csv.field_size_limit() == LONGEST_CELL
    assert csv.field_size_limit() == own_limit


def test_a_limit_that_a_program_sets_meanwhile_is_left_alone(own_limit: int) -> None:
    with ViewList(io.BytesIO((HEADER + pair(1)).encode())) as listed:
        next(listed.rows())
        csv.field_size_limit(own_limit + 1)
    assert csv.field_size_limit() == own_limit + 1


def test_lists_read_in_threads_leave_the_limit_as_it_was(own_limit: int) -> None:
    text = (HEADER + "".join(map(pair, range(200)))).encode()
    found: list[int] = []

    def count() -> None:
        found.extend(len(list(ViewList(io.BytesIO(text)).rows())) for _ in range(5))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 20
    assert csv.field_size_limit() == own_limit


@pytest.mark.parametrize(
    ("header", "rows", "lines"),
    [
        ("title,session_id,view_id\n", "Hello, world,s1,v1\nHi,s2,v2\n", [2]),
        ("session_id,view_id\n", "1,s1,v1\n2,s2,v2\n", [2, 3]),
        ("session_id,view_id\n", f"1,{pair(1)}2,{pair(2)}", [2, 3]),
    ],
)
def test_a_row_with_more_cells_than_the_header_may_have_its_ids_elsewhere(
    header: str, rows: str, lines: list[int]
) -> None:
    """A comma that nobody quoted, or a table whose row names have no header."""
    found = read(header + rows)
    assert list(bad(found)) == lines
    assert "cells where the header has" in bad(found)[lines[0]]


def test_cells_behind_the_headers_last_do_no_harm_where_ids_are_uuids_or_they_are_empty() -> None:
    assert len(good(read(HEADER + pair(1).strip() + ",a note\n"))) == 1
    assert len(good(read(HEADER + "s1,v1,, \n"))) == 1


def test_columns_of_one_name_may_stand_side_by_side_where_they_agree() -> None:
    assert good(read("session_id,view_id,@session.id\ns1,v1,s1\ns2,v2,\n")) == [("s1", "v1"), ("s2", "v2")]


def test_columns_of_one_name_that_differ_are_refused() -> None:
    with pytest.raises(InputError, match=r"'session_id' \(column 1\) and 'session_id' \(column 4\) hold different ids"):
        read("session_id,view_id,n,session_id\ns1,v1,1,s1\ns2,v2,2,other\n")


def test_of_hundreds_of_columns_of_one_name_the_complaint_names_three() -> None:
    header = ",".join(["view_id", *["session_id"] * 300])
    with pytest.raises(InputError, match=r"\(column 4\) and 297 more of that name hold different ids") as caught:
        read(f"{header}\nv1,{','.join(f's{n}' for n in range(300))}\n")
    assert len(str(caught.value)) < 300


def test_pairs_of_a_program_are_held_against_each_other_too() -> None:
    pairs = [(an_id(1), an_id(2)), ("Total", "12"), ("null", an_id(3)), (f"{{{an_id(4)}}}", an_id(5))]
    rows = list(ViewList.from_pairs(iter(pairs)).rows())
    assert good(rows) == [(an_id(1), an_id(2)), (an_id(4), an_id(5))]
    assert list(bad(rows)) == [2, 3]


@pytest.mark.anyio
async def test_a_list_with_rows_that_are_no_ids_ends_with_1_and_asks_for_none_of_those_rows(tmp_path: Path) -> None:
    async with Simulator() as simulator:
        views = [",".join(view) + "\n" for view in simulator.views]
        path = tmp_path / "views.csv"
        path.write_text(
            HEADER + "".join(views[:5]) + HEADER + "".join(views[5:9]) + "null,null\nTotal,9\n" + views[9][:50]
        )
        ran = await download(simulator, tmp_path / "out", views=path)
        assert (ran.exit_code, ran.report.bad_rows, ran.report.rows) == (1, 3, 12)
        assert len(Archive(tmp_path / "out").outcomes()) == 9
        assert simulator.counts.statuses[404] == 0
