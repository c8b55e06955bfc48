"""Reading a list of views: what is taken, what is refused, and on which line."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import tracemalloc
import uuid
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from replay_fetch.api.endpoint import check_id
from replay_fetch.errors import InputError
from replay_fetch.model import NO_ID, View
from replay_fetch.settings import PlanSettings
from replay_fetch.view_list.ids import IdColumn
from replay_fetch.view_list.rows import BadRow, PlannedRow, Row
from replay_fetch.view_list.view_list import ViewList

HEADER = b"session_id,view_id\n"
IDS = st.text("ABYZabyz0189_-", min_size=1, max_size=128).filter(lambda text: not re.fullmatch(NO_ID, text))


def read(content: bytes, options: PlanSettings | None = None) -> list[Row]:
    return list(ViewList(io.BytesIO(content), options).rows())


def views(content: bytes, options: PlanSettings | None = None) -> list[tuple[str, str]]:
    rows = read(content, options)
    assert not [row for row in rows if isinstance(row, BadRow)]
    return [(row.view.session_id, row.view.view_id) for row in rows if isinstance(row, PlannedRow)]


def refusal(content: bytes, options: PlanSettings | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read(content, options)
    message = str(caught.value)
    assert message.isprintable()
    return message


@pytest.mark.parametrize(
    "header",
    [
        "session_id,view_id",
        "Session ID,View ID",
        "@session.id,@view.id",
        "sessionId,viewId",
        "SESSION.ID,VIEW.ID",
        " session_id , view_id ",
        '"Session Id","View Id"',
        "session_id;view_id",
        "session_id\tview_id",
        "sep=;\nsession_id;view_id",
        "\n\r\n  \nsession_id,view_id",
    ],
)
def test_header_aliases_and_delimiters_are_recognised(header: str) -> None:
    delimiter = next(mark for mark in ";\t," if mark in header.splitlines()[-1])
    assert views(f"{header}\ns1{delimiter}v1\n".encode()) == [("s1", "v1")]


def test_columns_stand_in_any_order_among_others() -> None:
    assert views(b"date,view.id,@session.id,url\n2026,v1,s1,http://x\n") == [("s1", "v1")]


def test_a_header_may_run_over_several_lines_and_hold_quotes_that_open_nothing() -> None:
    rows = read(b'5" screen,"Session\r\nID",View ID\n1,s1,v1\n2,s2,v2\n')
    assert rows == [PlannedRow(3, View("s1", "v1"), None), PlannedRow(4, View("s2", "v2"), None)]


def test_named_columns_win_over_aliases_in_any_case() -> None:
    options = PlanSettings(session_column="Replay", view_column="page")
    assert views(b"session_id,REPLAY,Page\nx,s1,v1\n", options) == [("s1", "v1")]


def test_a_delimiter_inside_other_cells_does_not_mislead_the_header() -> None:
    """The header alone decides, by which delimiter makes its columns usable."""
    assert views(b'"title, with; commas",session_id,view_id\n"a;b",s1,v1\n') == [("s1", "v1")]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + HEADER + b"s1,v1\n",
        HEADER + b"s1,v1",
        HEADER.replace(b"\n", b"\r\n") + b"s1,v1\r\n",
        HEADER.replace(b"\n", b"\r") + b"s1,v1\r",
        HEADER + b'"s1","v1"\n',
        HEADER + b" s1 , v1\t\n",
        HEADER + b's1, "v1"\n',
        HEADER + b"\n\n  \n,\n , ,,\ns1,v1\n\n",
        b"view_id,session_id,url\nv1,s1,\xff\xfe\x00\n",
        (HEADER + b"s1,v1\n").decode().encode("utf-16"),
        gzip.compress(HEADER + b"s1,v1\n", mtime=0),
        gzip.compress(HEADER, mtime=0) + gzip.compress(b"s1,v1\n", mtime=0),
    ],
)
def test_lists_as_spreadsheets_and_tools_write_them_read_the_same(content: bytes) -> None:
    assert views(content) == [("s1", "v1")]


def test_line_numbers_are_those_of_the_file() -> None:
    """Blank lines and quoted line breaks count, so that an editor finds the row."""
    content = b'note,session_id,view_id\n\n"two\nlines",s1,v1\n"x\r\ny",,v2\n\na,s3,v3\n'
    assert read(content) == [
        PlannedRow(3, View("s1", "v1"), None),
        BadRow(5, "the session id is missing"),
        PlannedRow(8, View("s3", "v3"), None),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"s1,", "the view id is missing"),
        (b"s1", "the view id is missing"),
        (b",v1", "the session id is missing"),
        (b"../etc,v1", "session id: the id '../etc' has a character outside"),
        (b"s1,a b", "view id: the id 'a b' has a character outside"),
        (b"s1,\x1b[2Jv", r"view id: the id '\x1b[2Jv' has"),
        (b"s\x001,v1", r"session id: the id 's\x001' has"),
        (b"s1,\xff\xfe", r"view id: the id '\udcff\udcfe' has"),
        (b"s1,\xe2\x80\xaev", r"view id: the id '\u202ev' has"),
        (b"s1," + b"v" * 129, "view id: the id has 129 characters"),
        (b's1,"v1"x', "not CSV: ',' expected after '\"'"),
        (b"s1," + b"v" * 200_000, "view id: the id has 200000 characters"),
    ],
)
def test_a_bad_row_is_reported_and_the_rest_goes_on(row: bytes, reason: str) -> None:
    bad, good = read(HEADER + row + b"\ns2,v2\n")
    assert isinstance(bad, BadRow)
    assert bad.line == 2
    assert bad.reason.startswith(reason)
    assert bad.reason.isprintable()
    assert len(bad.reason) < 150
    assert good == PlannedRow(3, View("s2", "v2"), None)


def test_duplicates_are_left_for_the_ledger_to_find() -> None:
    assert views(HEADER + b"s1,v1\ns1,v1\n") == [("s1", "v1"), ("s1", "v1")]


@pytest.mark.parametrize(
    ("text", "count"),
    [("7", 7), (" 7 ", 7), ("7.0", 7), ("", None), ("many", None), ("-1", None), ("9" * 5000, None), ("²", None)],
)
def test_a_count_of_segments_is_a_hint_that_may_be_anything(text: str, count: int | None) -> None:
    [row] = read(f"session_id,view_id,@_dd.replay_stats.segments_count\ns1,v1,{text}\n".encode())
    assert row == PlannedRow(2, View("s1", "v1"), count)


def test_a_row_may_end_before_its_count_of_segments() -> None:
    assert read(b"session_id,view_id,segments_count\ns1,v1\n") == [PlannedRow(2, View("s1", "v1"), None)]


def test_max_views_ends_the_list_behind_that_many_good_rows() -> None:
    rows = read(HEADER + b"s1,v1\n,\n,x\ns2,v2\ns3,v3\n", PlanSettings(max_views=2))
    assert [row.line for row in rows] == [2, 4, 5]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ["empty", "session_id,view_id"]),
        (b"\n\r\n", ["empty"]),
        (b"a,b\x1b,c\n1,2,3\n", ["--session-column", "--view-column", "'a'", r"'b\x1b'", "'c'"]),
        (b"view_id,x\n1,2\n", ["session ids (--session-column)", "'view_id', 'x'", "replay links"]),
        (b"\x00\x01\x02", ["is no text: it holds zero bytes"]),
        (
            b"0c1e9c3a-3f5b-4f0e-9a55-0d9f6a1b2c3d,1d2f9c3a-3f5b-4f0e-9a55-0d9f6a1b2c3d\n",
            ["line 1", "put a header line above it", "session_id,view_id"],
        ),
        (b'session_id,view_id,"note\ns1,v1,\n', ["no column", "note"]),
        (b"sep=;\n", ["empty"]),
        (HEADER + b's1,v1\ns2,"v2\ns3,v3\n', ["line 3", "quote"]),
        (HEADER + b's1,"v1\ns2,"v2"\n', ["line 2", "quote"]),
        (HEADER + b'"' + b"s1,v1\n" * 50_000, ["line 2", "quote"]),
        (gzip.compress(HEADER + os.urandom(9999), mtime=0)[:5000], ["cut short or damaged"]),
        (gzip.compress(HEADER, mtime=0)[:-8] + b"damage!!", ["cut short or damaged"]),
        (b"PK\x03\x04rest", ["save it as CSV"]),
        (HEADER + b"s" * 2**24, ["line 2", "longer than 16,777,216 characters"]),
        (HEADER + b's1,v1,"' + (b"x" * 99 + b"\n") * 2**18, ["line 2", "more than 16,777,216 characters", "quote"]),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_the_way_out(content: bytes, said: list[str]) -> None:
    message = refusal(content)
    assert [part for part in said if part not in message] == []


def test_a_named_column_that_is_not_there_is_refused() -> None:
    message = refusal(HEADER + b"s1,v1\n", PlanSettings(session_column="replay"))
    assert "--session-column" in message
    assert "--view-column" not in message


def test_a_single_column_cannot_hold_both_ids() -> None:
    assert "both" in refusal(HEADER, PlanSettings(session_column="view_id"))


def test_a_header_with_thousands_of_columns_is_not_repeated_whole() -> None:
    assert len(refusal(b",".join(b"x" * 500 for _ in range(5000)))) < 2500


def test_a_column_behind_as_many_as_a_spreadsheet_has_is_not_found() -> None:
    before = b"," * 2**14
    assert "no column for session ids" in refusal(before + HEADER)
    within = before[len(HEADER) :]
    assert read(within + HEADER + within + b"s1,v1\n") == [PlannedRow(2, View("s1", "v1"), None)]


def test_a_path_is_opened_when_read_and_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "views.csv.gz"
    with ViewList(path) as listed:
        path.write_bytes(gzip.compress(HEADER + b"s1,v1\n", mtime=0))
        assert list(listed.rows()) == list(listed.rows()) == [PlannedRow(2, View("s1", "v1"), None)]
    assert listed.name == str(path)


def test_a_list_that_has_begun_is_read_whole_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "views.csv"
    path.write_bytes(HEADER + b"s1,v1\ns2,v2\ns3,v3\n")
    with ViewList(path, PlanSettings(max_views=2)) as listed:
        whole = list(listed.rows())
        listed.begin()
        assert list(listed.rows()) == list(listed.rows()) == whole


def test_leaving_the_context_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "views.csv"
    path.write_bytes(HEADER + b"s1,v1\ns2,v2\n")
    with ViewList(path) as listed:
        rows = listed.rows()
        next(rows)
    assert list(rows) == []


def test_a_stream_that_was_handed_in_stays_open() -> None:
    stream = io.BytesIO(HEADER + b"s1,v1\n")
    list(ViewList(stream).rows())
    assert not stream.closed


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(HEADER + b"s1,v1\n")))
    monkeypatch.setattr("sys.stdin", stdin)
    listed = ViewList("-")
    assert list(listed.rows()) == [PlannedRow(2, View("s1", "v1"), None)]
    assert listed.name == "standard input"
    assert not stdin.closed


def test_a_closed_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        list(ViewList("-").rows())


def test_a_pipe_can_be_read() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, HEADER + b"s1,v1\n")
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        assert len(list(ViewList(pipe).rows())) == 1


@pytest.mark.parametrize(("make", "said"), [(Path.mkdir, "is a folder"), (lambda path: path, "no such file")])
def test_a_path_that_is_no_list_is_refused_by_name(tmp_path: Path, make: object, said: str) -> None:
    path = tmp_path / "views\x1b.csv"
    assert callable(make)
    make(path)
    with pytest.raises(InputError, match=said) as caught:
        list(ViewList(path).rows())
    assert str(caught.value).isprintable()


def test_a_path_that_cannot_be_opened_is_refused_with_the_systems_reason(tmp_path: Path) -> None:
    """A link to itself: nobody can open that, root neither."""
    path = tmp_path / "views.csv"
    path.symlink_to(path)
    with pytest.raises(InputError, match="symbolic links"):
        list(ViewList(path).rows())


def test_pairs_of_a_program_are_checked_like_rows() -> None:
    pairs: list[tuple[str, str]] = [("s1", " v1 "), ("", "v2"), ("s3", "v/3"), View("s4", "v4")]
    pairs += [(None, "v5"), ["s6", "v6"]]  # type: ignore[list-item]  # what untyped callers pass
    rows = list(ViewList.from_pairs(pairs).rows())
    assert [row.view for row in rows if isinstance(row, PlannedRow)] == [("s1", "v1"), ("s4", "v4"), ("s6", "v6")]
    assert [row.line for row in rows if isinstance(row, BadRow)] == [2, 3, 5]


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (("s2", 5), "pair 2 of the list: its view id is of the type int, not text"),
        ((uuid.UUID(int=7), "v2"), "pair 2 of the list: its session id is of the type UUID, not text"),
        ((b"s2", "v2"), "session id is of the type bytes"),
        ((float("nan"), None), "session id is of the type float"),
        ("ab", "pair 2 of the list is no pair of a session id and a view id: str"),
        (("s2",), "is no pair of a session id and a view id: tuple"),
        (("s2", "v2", 3), "is no pair of a session id and a view id: tuple"),
        ({"s2": "v2"}, "is no pair of a session id and a view id: dict"),
        (None, "is no pair of a session id and a view id: NoneType"),
    ],
)
def test_a_programs_pair_of_another_type_is_an_input_error(pair: object, said: str) -> None:
    """Of another type once, and mostly always: it is the program that is to be mended, not the list."""
    pairs: list[object] = [("s1", "v1"), pair]
    with pytest.raises(InputError, match=re.escape(said)):
        list(ViewList.from_pairs(pairs).rows())  # type: ignore[arg-type]  # what untyped callers pass


def test_the_messy_sample_yields_the_views_of_the_clean_one() -> None:
    samples = Path(__file__).parents[3] / "sample_inputs"
    clean = [row.view for row in ViewList(samples / "views.csv").rows() if isinstance(row, PlannedRow)]
    rows = list(ViewList(samples / "messy_views.csv").rows())
    messy = [row.view for row in rows if isinstance(row, PlannedRow)]
    assert list(dict.fromkeys(messy)) == clean
    assert [row.line for row in rows if isinstance(row, BadRow)] == [14, 17, 20, 23, 26, 30, 33, 38]


@given(st.text(max_size=140))
@example("x" * 128)
@example("x" * 129)
@example("x\n")
def test_the_list_takes_the_ids_that_the_api_takes(text: str) -> None:
    """The list is checked by a pattern of its own, for speed."""
    try:
        check_id(text)
    except ValueError:
        taken = False
    else:
        taken = not re.fullmatch(NO_ID, text)
    assert bool(IdColumn("session id").fits(text)) is taken


@settings(max_examples=60, deadline=None)
@given(
    pairs=st.lists(st.tuples(IDS, IDS), max_size=20),
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_list_of_a_csv_writer_is_read_back(pairs: list[tuple[str, str]], delimiter: str, end: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([("Session ID", "View ID"), *pairs])
    assert views(text.getvalue().encode()) == pairs


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_end_in_rows_or_an_input_error(content: bytes, headed: bool) -> None:  # noqa: FBT001 - drawn
    reasons = []
    try:
        reasons = [row.reason for row in read(HEADER + content if headed else content) if isinstance(row, BadRow)]
    except InputError as error:
        reasons = [str(error)]
    assert all(map(str.isprintable, reasons))


def test_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    path = tmp_path / "views.csv"
    path.write_bytes(HEADER + b"0c1e9c3a-3f5b-4f0e-9a55-0d9f6a1b2c3d,1d2f9c3a-3f5b-4f0e-9a55-0d9f6a1b2c3d\n" * 50_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in ViewList(path).rows()) == 50_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
