"""Laws of a scrubbed recording: nothing that was typed or read is in it, and it plays as the original does."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hostile import addresses, by_changes, nested
from hypothesis import given, settings
from hypothesis import strategies as st
from junk_records import JSON_RECORDS, junked_some
from made_recordings import (
    START,
    Json,
    add,
    change,
    element,
    end,
    full,
    full_change,
    increment,
    meta,
    mutation,
    segment,
    shadow,
    text,
)
from planted import CORE, PLANTED, READ_ATTRIBUTES, forms, found_in, plant
from recorded_views import Recorded, recorded_views, records_of, with_records
from rrweb_page import RrwebPage

from replay_fetch.model import View
from replay_fetch.replay.recording import Recording
from replay_fetch.replay.scrub import ScrubbedView

VIEWS = recorded_views()
EVERY_VIEW = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
SAID = [*READ_ATTRIBUTES, "href", "src", "srcset", "summary", "label", "name-of-user", "aria-description", "rr_dataURL"]
MASKED = set("x\uff58 \t\n\r\f\u00a0\u3000")
TAGS = ["p", "a", "input", "img", "button", "option", "textarea", "title", "script", "noscript", "svg", "x-card"]


def scrubbed(*segments: bytes) -> list[bytes]:
    return list(ScrubbedView(View("s", "v"), segments).segments())


def left_out(*segments: bytes) -> dict[str, int]:
    view = ScrubbedView(View("s", "v"), segments)
    list(view.segments())
    return dict(view.dropped)


def wireframe(number: int, kind: str, **more: object) -> Json:
    return {"id": number, "x": 10, "y": 20.333, "width": 100, "height": 30, "type": kind, **more}


def mobile(source: int, **data: object) -> Json:
    return {"type": 11, "timestamp": START + 10, "data": {"source": source, **data}}


def structure(segments: Sequence[bytes]) -> list[object]:
    """What a player makes of a recording: kinds and times of events, and the nodes that are there in the end."""
    recording, page = Recording(segments), RrwebPage()
    events = list(recording.events())
    page.play(events)
    nodes = sorted((number, node.source["type"], node.tag) for number, node in page.nodes.items())
    return [[(event.at_ms, json.loads(event.json)["type"]) for event in events], nodes]


@EVERY_VIEW
def test_strings_that_are_planted_in_a_recording_are_not_in_its_copy(view: Recorded) -> None:
    planted, places = zip(*map(plant, view.segments), strict=True)
    copy = b"\n".join(scrubbed(*planted))
    assert found_in(copy) == set()
    assert min(places) > 2
    assert found_in(b"\n".join(planted)) != set()


@EVERY_VIEW
def test_a_copy_plays_as_the_original_does(view: Recorded) -> None:
    assert structure(scrubbed(*view.segments)) == structure(view.segments)


@EVERY_VIEW
def test_a_copy_of_a_copy_is_the_same(view: Recorded) -> None:
    once = scrubbed(*view.segments)
    assert scrubbed(*once) == once


@EVERY_VIEW
def test_no_text_of_a_recording_is_in_its_copy(view: Recorded) -> None:
    """Whole texts: single words may be names of classes as well."""
    account = Recording(view.segments).watch()
    copy = b"\n".join(scrubbed(*view.segments)).decode().lower()
    read = {seen.text for seen in account.seen if " " in seen.text and set(seen.text) - set("x ")}
    typed = {action.value for action in account.actions if action.kind == "input" and " " in (action.value or "")}
    assert [words for words in read | typed if words and words.lower() in copy] == []


def trees() -> st.SearchStrategy[Callable[[Callable[[], int]], Json]]:
    """Elements with planted attributes and texts, which are given their numbers when they are built."""
    attributes = st.dictionaries(st.sampled_from(SAID), st.sampled_from([PLANTED, CORE, CORE * 3, CORE.upper()]))
    leaf = st.sampled_from([PLANTED, CORE, f"{CORE}\n\t{CORE}"]).map(lambda said: lambda take: text(take(), said))
    return st.recursive(
        leaf,
        lambda inner: st.builds(
            lambda tag, told, below: lambda take: element(take(), tag, told, *[each(take) for each in below]),
            st.sampled_from(TAGS),
            attributes,
            st.lists(inner, max_size=4),
        ),
        max_leaves=12,
    )


@settings(max_examples=25)
@given(bodies=st.lists(trees(), max_size=4), late=st.lists(trees(), max_size=3), said=st.sampled_from([PLANTED, CORE]))
def test_scrubbing_leaves_no_string_of_made_pages_of_the_nested_dialect(
    bodies: list[Callable[[Callable[[], int]], Json]], late: list[Callable[[Callable[[], int]], Json]], said: str
) -> None:
    numbers = iter(range(4, 100_000))

    def take() -> int:
        return next(numbers)

    page = full(*(body(take) for body in bodies), element(take(), "textarea", {}, text(take(), said)))
    added = [add(body(take)) for body in late]
    copy = scrubbed(
        segment(
            meta(f"https://{said}@shop.example/{said}?q={said}"),
            page,
            mutation(adds=added, texts={"2": said, "5": said}, n3={"title": said, "value": said, "class": said}),
            increment(5, id=4, text=said, isChecked=True),
            increment(99, text=said),
            end(20) | {"data": {"why": said}},
        )
    )
    assert [json.loads(each)["records_count"] > 2 for each in copy] == [True]
    # A class of the form that classes have is a name, whoever chose it: the one string of these that may stay.
    assert found_in(b"\n".join(copy).replace(b'"class":"Zq7J', b"")) == set()


@settings(max_examples=25)
@given(order=st.permutations(range(6)), said=st.sampled_from([PLANTED, CORE]), roles=st.booleans())
def test_scrubbing_leaves_no_string_of_made_changes_wherever_it_lies(order: list[int], said: str, roles: bool) -> None:  # noqa: FBT001 - drawn
    """One string of the table is a text here and a title there."""
    table = [f"{said}{number}" for number in order]
    strings: list[object] = [11, [4, *table[:3]], [5, *table[3:]]] if roles else [0, *table]
    place = order.index
    nodes = [[1, "P", ["title", place(0)], ["alt", said]], [1, "#text", place(1)], [0, "#text", said]]
    items = [
        [4, [5, place(2)]],
        [3, [4, ["placeholder", place(3)], ["data-x", place(4)]]],
        [7, [f"p::after{{content:'{CORE}'}}/* {CORE} */"]],
        [12, [4, place(5)], [4, said]],
        [12, [4, {"role": 5, "string": said}]],
    ]
    page = full_change(*nodes)
    page["data"].insert(0, strings)
    copy = b"\n".join(scrubbed(segment(meta(), page, change(*items))))
    assert found_in(copy) == set()
    assert json.loads(copy)["records_count"] == 3


@given(kind=st.sampled_from(["text", "placeholder", "image", "webview", "shape", PLANTED]), said=st.just(PLANTED))
def test_scrubbing_leaves_no_string_of_mobile_screens(kind: str, said: str) -> None:
    """Text, label, base64, font, numbers of pictures and web views; unknown keys of a wireframe too."""
    told = {
        "text": said,
        "label": said,
        "base64": "WnE3SsOkbmU=",
        "mimeType": said,
        "resourceId": said,
        "slotId": said,
        "permanentId": said,
        "shapeStyle": {"backgroundColor": said},
        "textStyle": {"family": said, "size": 16, "color": "#112233FF"},
    }
    good = told | {"shapeStyle": {"backgroundColor": "#112233FF"}}
    screen = [wireframe(1, kind, **good), wireframe(2, "text", **told), wireframe(3, "text", **good)]
    copy = b"\n".join(
        scrubbed(
            segment(
                meta(),
                {"type": 10, "timestamp": START, "data": {"wireframes": screen}},
                mobile(
                    0, adds=[{"previousId": 1, "wireframe": wireframe(4, kind, **good)}], updates=[{"id": 3, **good}]
                ),
                mobile(9, x=1, y=1, pointerEventType="down", pointerType="touch", said=said),
                mobile(4, width=10, height=20, said=said),
                mobile(77, said=said),
            )
        )
    )
    assert found_in(copy) | found_in(copy, "WnE3SsOkbmU=") == set()
    assert json.loads(copy)["records_count"] == 5


@settings(max_examples=30, deadline=None)
@given(view=st.sampled_from(VIEWS), seed=st.integers(0, 2**32))
def test_scrubbing_masks_texts_and_never_raises_whatever_the_records_are(view: Recorded, seed: int) -> None:
    """A changed record may make a name of a text; what comes of it is played, and is a copy of itself again."""
    chance = random.Random(seed)  # noqa: S311 - cases, not secrets
    segments = []
    for recorded in view.segments:
        records = junked_some(records_of(recorded), chance)
        segments.append(with_records(recorded, records))
    copy = scrubbed(*segments)
    account = Recording(copy).watch()
    typed = [action.value for action in account.actions if action.kind == "input" and action.value not in {"on", "off"}]
    for words in [seen.text for seen in account.seen] + [value or "" for value in typed]:
        assert set(words) <= MASKED
    assert scrubbed(*copy) == copy


@pytest.mark.parametrize("offset", [{"left": CORE, "top": 5}, {"top": [CORE]}, CORE, [5], 7, None, {}])
def test_a_snapshot_with_a_bad_scroll_place_plays_in_its_copy_from_the_top(offset: object) -> None:
    page = full(element(5, "p", {}, text(6, CORE)))
    page["data"]["initialOffset"] = offset
    made = segment(meta(), page, increment(3, id=0, x=0, y=50))
    copy = scrubbed(made)
    assert found_in(b"\n".join(copy)) == set()
    assert structure(copy) == structure([made])
    places = [each["data"]["initialOffset"] for each in events_of(copy) if each["type"] == 2]
    assert places == [{"left": 0, "top": 0}]
    assert places == [each["data"]["initialOffset"] for each in events_of([made]) if each["type"] == 2]


def events_of(segments: Sequence[bytes]) -> list[Json]:
    return [json.loads(event.json) for event in Recording(segments).events()]


@pytest.mark.parametrize(
    "record",
    [
        meta() | {"data": {"href": [CORE], "width": 700, "height": 500}},
        {"type": 6, "timestamp": START + 5, "data": {"has_focus": CORE}},
        increment(2, id=5, type=2, x=CORE),
        increment(5, id=4, text=[CORE], isChecked=True),
        increment(5, id=4, text=CORE, isChecked=CORE),
        increment(1, positions=[{"id": 5, "x": 1, "y": 2, "timeOffset": 0, "timestamp": CORE}]),
        mutation(removes=[5]) | {"data": {"source": 0, "removes": [{"id": 5, "parentId": CORE}], "texts": []}},
        mutation(removes=[5]) | {"data": {"source": 0, "removes": [{"id": 5}], "texts": CORE}},
        mutation(adds=[add(element(9, "p") | {"childNodes": CORE})]),
        mutation(n5={"title": CORE, "width": 10**30, "class": "late"}),
        full(element(9, "p") | {"childNodes": CORE}, element(10, "b"), at=20),
        full(element(9, "p", adoptedStyleSheets=[{"cssRules": [CORE, 5]}]), element(10, "b"), at=20),
    ],
    ids=lambda record: f"{record['type']}-{str(record['data'])[:50]}",
)
def test_a_record_with_a_bad_part_plays_in_a_copy_as_it_does_in_the_original(record: Json) -> None:
    """Of a part that players pass over a copy keeps nothing, and of the rest of the record all."""
    page = full(element(4, "input", {"type": "checkbox"}), element(5, "p", {}, text(6, "x")))
    made = segment(meta(), page, record, end(30))
    copy = scrubbed(made)
    assert structure(copy) == structure([made])
    assert found_in(b"\n".join(copy)) == set()


@settings(max_examples=30)
@given(records=st.lists(JSON_RECORDS, max_size=6))
def test_records_of_any_json_never_raise(records: list[object]) -> None:
    scrubbed(json.dumps({"index_in_view": 0, "records": records}).encode())


@pytest.mark.parametrize("recorded", [nested, by_changes])
def test_a_hostile_page_keeps_no_address_and_no_script(recorded: Callable[[], bytes]) -> None:
    """Its own origin is kept, as every origin is; the mark stands for a script's words."""
    host, mark = addresses()
    copy = b"\n".join(scrubbed(recorded())).decode()
    assert mark not in copy
    assert {part.split("/")[0] for part in copy.split("//")[1:] if host in part.split('"')[0]} <= {host}
    assert "<script" not in Recording([copy.encode()]).page_at(2_000_000_000_000).lower()


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([meta(), full(), {"type": 99, "timestamp": 1, "data": {"said": CORE}}], "a type of record that is not known"),
        ([meta(), full(), increment(44, text=CORE)], "an incremental record that is not known"),
        ([meta(), full_change(), change([15, [3, CORE]])], "a canvas picture"),
        ([meta(), full_change(), change([77, CORE]), change([4, [3, CORE]])], "a kind of change that is not known"),
        ([meta(), full(), change([4, [3, CORE]])], "a change of a page that came otherwise"),
        ([meta(), full(), CORE], "no object"),
        ([meta(), full_change(), change([1, [1, "P", CORE]])], "an attribute that is no list"),
        ([meta(), full_change(), change([1, [1]])], "an empty list"),
        ([meta(), full_change(), change([11, CORE])], "strings that are no list"),
    ],
)
def test_records_without_a_rule_are_left_out_of_a_scrubbed_copy_and_counted(records: list[Any], why: str) -> None:
    made = segment(*records)
    assert left_out(made)[why] == 1
    assert found_in(b"\n".join(scrubbed(made))) == set()


def test_behind_an_unknown_change_nothing_is_read_until_a_snapshot_comes() -> None:
    """It may have brought strings or nodes: the numbers behind it would be those of others."""
    before = [meta(), full_change([1, "P"]), change([77, CORE])]
    behind = [
        change([0, "a"], [3, [4, ["class", 0]]]),
        full_change([1, "H1"], at=20),
        change([3, [4, ["class", "b"]]], at=30),
    ]
    (copy,) = scrubbed(segment(*before, *behind))
    assert [record["type"] for record in json.loads(copy)["records"]] == [4, 2, 2, 12]
    assert left_out(segment(*before, *behind)) == {
        "a kind of change that is not known": 1,
        "a change behind missing ones": 1,
    }


def test_behind_a_missing_segment_changes_are_left_out_as_no_player_can_use_them() -> None:
    first, last = segment(meta(), full_change([1, "P"])), segment(change([3, [4, ["class", 7]]]), index=2)
    assert left_out(first, last) == {"a change behind missing ones": 1}


def test_segments_are_copied_once_and_in_their_order() -> None:
    first, second = segment(meta(), full()), segment(end(20), index=1)
    assert scrubbed(second, first, first) == scrubbed(first, second)
    assert left_out(first, first) == {"a segment that came twice": 1}


def test_a_segment_that_cannot_be_read_is_left_out_and_counted() -> None:
    whole = segment(meta(), full())
    assert scrubbed(whole, CORE.encode(), b'{"records":3}') == scrubbed(whole)
    assert left_out(whole, CORE.encode()) == {"a segment that is no JSON": 1}


def test_a_segment_says_of_itself_what_is_structure() -> None:
    made = json.loads(segment(meta())) | {
        "creation_reason": "init",
        "source": "browser",
        "has_full_snapshot": True,
        "application": {"id": "app", "name": CORE},
        "session": {"id": CORE},
        "view": {"id": CORE, "url": CORE},
        "user": {"email": CORE},
    }
    (copy,) = scrubbed(json.dumps(made).encode())
    assert {key: value for key, value in json.loads(copy).items() if key != "records"} == {
        "start": made["start"],
        "end": made["end"],
        "creation_reason": "init",
        "has_full_snapshot": True,
        "index_in_view": 0,
        "source": "browser",
        "application": {"id": "app"},
        "session": {"id": "s"},
        "view": {"id": "v"},
        "records_count": 1,
    }
    said = made | {"creation_reason": CORE, "source": CORE, "application": {"id": f"{CORE} x"}}
    assert found_in(scrubbed(json.dumps(said).encode())[0]) == set()


def test_a_text_of_a_style_is_css_alone_while_those_in_front_are_closed() -> None:
    """A comment that begins in one text and ends in the next would let its end pass for rules."""
    style = element(9, "style", {}, text(10, "p{color:red}"), text(11, f"/* {CORE}"), text(12, f"{CORE} */ b{{c:d}}"))
    other = element(13, "style", {}, text(14, "i{a:b}"), text(15, "u{a:b}"))
    (copy,) = scrubbed(segment(meta(), full(head=[style, other])))
    written = json.loads(copy)["records"][1]["data"]["node"]["childNodes"][0]["childNodes"][0]["childNodes"]
    assert [[node["textContent"] for node in each["childNodes"]] for each in written] == [
        ["p{color:red}", "", ""],
        ["i{a:b}", "u{a:b}"],
    ]


def test_shadow_roots_sheets_and_sizes_stay() -> None:
    host = element(
        5, "x-a", {"rr_width": "10px", "rr_scrollTop": 5, "rr_mediaState": "paused"}, shadow(6, text(7, "Jane"))
    )
    root = json.loads(json.dumps(host))
    root["childNodes"][0]["adoptedStyleSheets"] = [{"cssRules": ["p{a:b}"], "media": ["print"], "disabled": True}]
    (copy,) = scrubbed(segment(meta(), full(root)))
    body = json.loads(copy)["records"][1]["data"]["node"]["childNodes"][0]["childNodes"][1]
    root["childNodes"][0]["childNodes"][0]["textContent"] = "xxxx"
    assert body["childNodes"] == [root]


def test_the_forms_that_are_looked_for_are_those_that_files_have() -> None:
    looked_for = forms(CORE)
    for form in (CORE.lower(), "zq7j\\u00e4ne", "zq7j%c3%a4ne", "zq7j&#228;ne", "zq7j\\e4 ne"):
        assert form in looked_for
